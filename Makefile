# make alone prints the targets.
.DEFAULT_GOAL := help
.SUFFIXES:
.NOTPARALLEL:

help:
	@src/behindproxy/make/help.sh src/behindproxy/make/targets.mk Makefile

include src/behindproxy/make/targets.mk

##@ Copy
new: verify-environment ## this deployment for your application: DEST=../theirs APP_MODULE=their.module:app API_PREFIX=/shop
	@src/behindproxy/make/environment.sh build
	@$(PY) -m behindproxy new

update: verify-environment ## later changes for a copy: DEST=../theirs
	@src/behindproxy/make/environment.sh build
	@$(PY) -m behindproxy update

##@ Prove the proof
mutants: verify-environment ## break the stack in each known way: verify must catch and name it; ONLY='trust.*'
	@$(PY) -m tests.mutants --only '$(or $(ONLY),*)'

test: verify-environment ## what needs no running stack
	@$(PY) -m pytest -q

bench: ## what the proxy, the servers and comparable stacks cost; QUICK=1; ONLY=entrypoints,memory
	@src/behindproxy/make/environment.sh bench
	@$(PY) -m bench

applications: verify-environment ## tables of published applications and other people's deployments; ONLY=nginx
	@src/behindproxy/make/environment.sh foreign
	@$(PY) -m tests.foreign $(if $(ONLY),--only '$(ONLY)')
	@$(PY) -m tests.foreign $(if $(ONLY),--only '$(ONLY)') --probe
	@$(if $(ONLY),,$(PY) -m tests.foreign --document)
	@$(if $(ONLY),,$(PY) -m tests.published)
	@$(if $(ONLY),,$(PY) -m tests.published --document)

compat: verify-environment ## the suite with the oldest and the newest release of each part; ONLY=uvicorn
	@src/behindproxy/make/environment.sh build
	@$(PY) -m tests.versions

##@ Maintain
lint: ## every linter that CI runs, on every file; ONLY=ruff runs one
	@src/behindproxy/make/environment.sh lint
	@PRE_COMMIT_HOME=build/pre-commit $(PY) -m pre_commit run --all-files --color auto $(ONLY)

lock: ## compile requirements/*.txt from pyproject.toml (needs uv)
	@requirements/compile.sh

wheels: ## both packages, as wheel and source distribution, into build/dist
	@src/behindproxy/make/environment.sh build
	@deploy/tool/wheels.sh

docs: verify-environment ## write .env.example, docs/settings.md, docs/claims.md and docs/troubleshooting.md
	@$(PY) -m tests.settings
	@$(PY) -m tests.claims
	@$(PY) -m tests.troubleshooting

site: verify-environment ## docs/ as a site in build/site, with a page for each check
	@src/behindproxy/make/environment.sh site
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --quiet --strict --config-file docs/site/mkdocs.yml
	@echo build/site/index.html

.PHONY: help new update mutants test bench applications compat lint lock wheels docs site
