# The targets of every deployment, for `include`: what runs it and what checks it. A recipe is one
# command; what is longer is a script with a name.
tools := $(patsubst %behindproxy/make/targets.mk,%,$(lastword $(MAKEFILE_LIST)))
ifeq ($(tools),src/)
PY := PYTHONPATH=src$${PYTHONPATH:+:$$PYTHONPATH} build/venv/bin/python
else # a copy, whose project may have a module of any name
PY := PYTHONSAFEPATH=1 PYTHONPATH=$(tools:/=) .behindproxy/venv/bin/python
endif

##@ Run
up: stack-environment ## bring the stack up, wait until it is healthy, print the addresses
	@$(PY) -m behindproxy up

dev: stack-environment ## the same with reload on change, and the logs; Ctrl-C stops it
	@$(PY) -m behindproxy dev

down: stack-environment ## stop and remove what up started
	@$(PY) -m behindproxy down

ps: stack-environment ## the state of the parts; exit 0 only when all are healthy
	@$(PY) -m behindproxy ps

logs: stack-environment ## the parts' logs, followed (FOLLOW=0: once)
	@$(PY) -m behindproxy logs

deploy: stack-environment ## replace the app with the current source, replica by replica (Docker)
	@$(PY) -m behindproxy deploy

rollback: stack-environment ## the version before, in the same way
	@$(PY) -m behindproxy rollback

doctor: stack-environment ## who can reach the service, who cannot, and why; URL=… explains that address
	@$(PY) -m behindproxy doctor $(if $(JSON),--json) $(if $(URL),'$(URL)')

restart: stack-environment ## down, then up
	@$(PY) -m behindproxy restart

clean: stack-environment ## down, and remove what the targets made: environment, image, what they wrote
	@$(PY) -m behindproxy clean

##@ Several machines (docs/scaling.md)
swarm-deploy: stack-environment ## the stack on a Docker Swarm, deployed or brought to the present settings
	@$(PY) -m behindproxy swarm-deploy

swarm-ps: stack-environment ## its services, tasks and nodes; exit 0 only when each has what it should
	@$(PY) -m behindproxy swarm-ps

swarm-rm: stack-environment ## remove it
	@$(PY) -m behindproxy swarm-rm

##@ Prove
curl: verify-environment ## a few requests at both entrypoints, shown and asserted
	@$(PY) -m behindproxy curl

verify: verify-environment ## curl, then the whole contract suite; PROXY_URL=… checks any deployment
	@$(PY) -m behindproxy verify --curl

stack-environment:
	@$(tools)behindproxy/make/environment.sh stack

verify-environment:
	@$(tools)behindproxy/make/environment.sh verify

.PHONY: up dev down ps logs deploy rollback doctor restart clean swarm-deploy swarm-ps swarm-rm curl verify stack-environment verify-environment
