# make alone prints the targets. A recipe is one command; what is longer is a script with a name.
.DEFAULT_GOAL := help
.SUFFIXES:
.NOTPARALLEL:
PY := build/venv/bin/python

help:
	@awk '/^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {split($$0, part, ":.*## "); printf "  make %-13s %s\n", part[1], part[2]}' Makefile

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

restart: down up ## down, then up

clean: stack-environment ## down, and remove what the targets made: environment, image, build/
	@$(PY) -m stack clean && rm -rf build

##@ Several machines (docs/scaling.md)
stack-deploy: stack-environment ## the stack on a Docker Swarm, deployed or brought to the present settings
	@$(PY) -m stack stack-deploy

stack-ps: stack-environment ## its services, tasks and nodes; exit 0 only when each has what it should
	@$(PY) -m stack stack-ps

stack-rm: stack-environment ## remove it
	@$(PY) -m stack stack-rm

##@ Prove
curl: verify-environment ## a few requests at both entrypoints, shown and asserted
	@$(PY) -m tests.verify curl

verify: verify-environment ## curl, then the whole contract suite; PROXY_URL=… checks any deployment
	@$(PY) -m tests.verify

mutants: verify-environment ## each known misconfiguration, broken on purpose, must be caught and named; ONLY=trust.*
	@$(PY) -m tests.mutants --only '$(or $(ONLY),*)'

test: verify-environment ## what needs no running stack
	@$(PY) -m pytest -q

bench: ## what the proxy costs, which server, the peers; QUICK=1, ONLY=doors,memory some questions
	@stack/environment.sh bench
	@$(PY) -m bench

##@ Maintain
lint: ## every linter that CI runs, on every file (ONLY=ruff one); pre-commit runs them on what is staged
	@stack/environment.sh lint
	@PRE_COMMIT_HOME=build/pre-commit $(PY) -m pre_commit run --all-files --color auto $(ONLY)

pins: ## compile requirements/*.txt from pyproject.toml (needs uv)
	@requirements/compile.sh

claims: verify-environment ## write docs/claims.md from the checks
	@$(PY) -m tests.claims

stack-environment:
	@stack/environment.sh stack

verify-environment:
	@stack/environment.sh verify

.PHONY: help up dev down ps logs deploy rollback doctor restart clean stack-deploy stack-ps stack-rm curl verify mutants test bench lint pins claims stack-environment verify-environment
