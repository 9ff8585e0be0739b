# The targets of every deployment, for `include`: what runs it and what checks it. A recipe is one
# command; what is longer is a script with a name.
tools := $(patsubst %stack/targets.mk,%,$(lastword $(MAKEFILE_LIST)))
# In a copy the tools lie in a folder, and the project's own packages may have the same names.
PY := $(if $(tools),PYTHONSAFEPATH=1 PYTHONPATH=$(tools) .behindproxy,build)/venv/bin/python

##@ Run
up: stack-environment ## bring the stack up, wait until it is healthy, print the addresses
	@$(PY) -m stack up

dev: stack-environment ## the same with reload on change, and the logs; Ctrl-C stops it
	@$(PY) -m stack dev

down: stack-environment ## stop and remove what up started
	@$(PY) -m stack down

ps: stack-environment ## the state of the parts; exit 0 only when all are healthy
	@$(PY) -m stack ps

logs: stack-environment ## the parts' logs, followed (FOLLOW=0: once)
	@$(PY) -m stack logs

deploy: stack-environment ## replace the app with the current source, replica by replica (Docker)
	@$(PY) -m stack deploy

rollback: stack-environment ## the version before, in the same way
	@$(PY) -m stack rollback

doctor: stack-environment ## who can reach the service, who cannot, and why; URL=… explains that address
	@$(PY) -m doctor $(if $(JSON),--json) $(if $(URL),'$(URL)')

restart: stack-environment ## down, then up
	@$(PY) -m stack restart

clean: stack-environment ## down, and remove what the targets made: environment, image, what they wrote
	@$(PY) -m stack clean

##@ Several machines (docs/scaling.md)
swarm-deploy: stack-environment ## the stack on a Docker Swarm, deployed or brought to the present settings
	@$(PY) -m stack swarm-deploy

swarm-ps: stack-environment ## its services, tasks and nodes; exit 0 only when each has what it should
	@$(PY) -m stack swarm-ps

swarm-rm: stack-environment ## remove it
	@$(PY) -m stack swarm-rm

##@ Prove
curl: verify-environment ## a few requests at both entrypoints, shown and asserted
	@$(PY) -m tests.verify curl

verify: verify-environment ## curl, then the whole contract suite; PROXY_URL=… checks any deployment
	@$(PY) -m tests.verify

stack-environment:
	@$(tools)stack/environment.sh stack

verify-environment:
	@$(tools)stack/environment.sh verify

.PHONY: up dev down ps logs deploy rollback doctor restart clean swarm-deploy swarm-ps swarm-rm curl verify stack-environment verify-environment
