# What people type. Everything but `test` needs Python 3.11 and the package registries alone.

PYTHON ?= python3
PORT ?= 8080
ADMIN_PORT ?= 9090
# Tests wait for processes more than they compute; beyond three, browser tests race for the two cores of small machines.
TEST_JOBS ?= 3

export PYTHONDONTWRITEBYTECODE ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup compiled run test check prove bench model format lock clean

help:
	@echo "make run                              the proxy, enforcing, in front of a demo site on http://127.0.0.1:$(PORT)"
	@echo "make run ORIGIN=http://127.0.0.1:3000 the proxy, observing, in front of your site"
	@echo "make setup                            .venv with everything the proxy needs; then .venv/bin/botproxy"
	@echo "make compiled                         the same in .venv-compiled, with the hot rooms compiled: half as fast again"
	@echo "make test                             all tests but the long ones"
	@echo "make check                            ruff, mypy --strict, import-linter, the TypeScript compiler"
	@echo "make prove                            the long proofs"
	@echo "make bench                            speed against nginx, ModSecurity and a plain aiohttp proxy"
	@echo "make model                            fit the model that comes with the product again, and its report"
	@echo "make lock                             resolve pyproject.toml into requirements/"

setup:
	@$(PYTHON) tools/environment.py core

compiled:
	@$(PYTHON) tools/environment.py --compiled

run: setup
	@.venv/bin/python tools/run.py --port $(PORT) --admin-port $(ADMIN_PORT) $(if $(ORIGIN),--origin $(ORIGIN)) $(if $(filter no,$(VISITORS)),--no-visitors)

# Tests start hundreds of processes: compiling the product anew in each takes a third of their time.
COMPILED_ONCE := PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX=$(CURDIR)/.venv/bytecode

test:
	@$(PYTHON) tools/environment.py test
	@.venv/bin/python tools/parts.py install
	@$(COMPILED_ONCE) .venv/bin/python tools/run_tests.py -n $(TEST_JOBS) --dist worksteal -m "not prove" $(ARGS)

check:
	@$(PYTHON) tools/environment.py check
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy --strict
	.venv/bin/lint-imports
	.venv/bin/python tools/assets.py check

prove:
	@$(PYTHON) tools/environment.py test
	@.venv/bin/python tools/parts.py install
	@.venv/bin/python tools/parts.py install image
	$(COMPILED_ONCE) .venv/bin/pytest -m prove --timeout 1800 $(ARGS)

bench:
	@$(PYTHON) tools/environment.py bench
	@if command -v cc >/dev/null; then $(PYTHON) tools/environment.py --compiled bench; fi
	.venv/bin/python -m benchmarks $(ARGS)

# Clients that judge the model that comes with the product, and that it is never fitted on.
JUDGES := requests go node-undici php-curl java primp selenium patchright got-scraping scrapy perl-lwp wget sqlmap \
	cloudscraper httpx generated-edge chromium-german chromium-small chromium-incognito \
	firefox-resist firefox-german firefox-strict \
	as-samsung as-brave as-qtwebengine as-facebook as-duckduckgo as-kaios as-tor as-tiktok-ios as-chrome-aged

model:
	@$(PYTHON) tools/environment.py test
	.venv/bin/botproxy train lab/data/traffic.jsonl.xz --out botproxy/scoring/ml/default.model --report docs/model.md \
		--threads 8 $(addprefix --hold ,$(JUDGES))

format:
	@$(PYTHON) tools/environment.py check
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

lock:
	@$(PYTHON) tools/environment.py core
	tools/lock.sh $(ARGS)

clean:
	rm -rf .venv .venv-compiled .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist web/node_modules web/.built.json web/.lock botproxy/*/assets/built
