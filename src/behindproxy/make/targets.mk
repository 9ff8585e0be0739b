# What runs the deployment and what checks it. A recipe is one command; what is longer is a script with a
# name.
# Set for another Python, it would leave this one without its own library.
unexport PYTHONHOME
PY := PYTHONPATH=src$${PYTHONPATH:+:$$PYTHONPATH} build/venv/bin/python

##@ Run
up: stack-environment ## start the stack, wait until it is healthy, print the URLs
	@$(PY) -m behindproxy up

dev: stack-environment ## the same with reload on change, and the logs; Ctrl-C stops it
	@$(PY) -m behindproxy dev

down: stack-environment ## stop and remove what up started
	@$(PY) -m behindproxy down

ps: stack-environment ## the state of each part; exit 0 only if all are healthy
	@$(PY) -m behindproxy ps

logs: stack-environment ## follow the logs of all parts; FOLLOW=0 prints them once
	@$(PY) -m behindproxy logs

deploy: stack-environment ## replace the app with the current source, replica by replica (Docker)
	@$(PY) -m behindproxy deploy

rollback: stack-environment ## return to the previous version, replica by replica
	@$(PY) -m behindproxy rollback

doctor: stack-environment ## who can reach the service, who cannot, and why; URL=… explains that address
	@$(PY) -m behindproxy doctor $(if $(JSON),--json) $(if $(URL),'$(URL)')

restart: stack-environment ## down, then up
	@$(PY) -m behindproxy restart

clean: stack-environment ## down, then remove what the targets created: environment, images, files
	@$(PY) -m behindproxy clean

##@ Several machines (docs/scaling.md)
swarm-deploy: stack-environment ## deploy the stack on a Docker Swarm, or apply the current settings there
	@$(PY) -m behindproxy swarm-deploy

swarm-ps: stack-environment ## the swarm's services, tasks and nodes; exit 0 only if all are healthy
	@$(PY) -m behindproxy swarm-ps

swarm-rm: stack-environment ## remove the stack from the swarm
	@$(PY) -m behindproxy swarm-rm

##@ Prove
curl: verify-environment ## a few requests to every entrypoint, each shown and its response checked
	@$(PY) -m behindproxy curl

verify: verify-environment ## curl, tests/test_deployment.py, then the contract suite; PROXY_URL=… checks any deployment
	@$(PY) -m behindproxy verify --curl

stack-environment:
	@src/behindproxy/make/environment.sh stack

verify-environment:
	@src/behindproxy/make/environment.sh verify

.PHONY: up dev down ps logs deploy rollback doctor restart clean swarm-deploy swarm-ps swarm-rm curl verify
.PHONY: stack-environment verify-environment
