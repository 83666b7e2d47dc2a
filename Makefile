# Needs make and Python 3.11 or later; make fetches the rest into .venv.
#
#   make start       a Zope with the demo site on http://127.0.0.1:8080
#   make plone-start a Plone with content and members, the same way
#   make check       lint, types, tests of core and of the documentation's
#                    references: under thirty seconds, for each save
#   make test        all tests
#   make plone-test  the tests on a Plone site
#   make buildout-test  buildout, and the tests that start processes
#   make coverage    all tests, with the coverage of the code
#   make plone-coverage  the same with the tests on a Plone site
#   make mutation    change each line of core; a test must fail
#   make lint        ruff; versions.cfg must fit constraints.txt
#   make typecheck   mypy, strict on core
#   make docs        Sphinx, warnings are errors
#   make locales     compile the translations of the screens
#   make package     build, check, and try the wheel in a clean environment
#   make bench       the costs, against the targets: under ten minutes
#   make plone-bench the costs on a Plone site: under five minutes
#   make freshness   change a site; count new and stale pages
#   make plone-freshness the same on a Plone site: about half an hour
#   make plone-addons the same with Plone add-ons: ten minutes
#   make soak        many clients on a real Zope; check every answer
#   make memory      a million requests; memory must not grow
#   make conformance other programs check the HTTP: docs/conformance.rst
#   make release     all checks of a release, and the commands to upload it
#   make versions    versions.cfg from constraints.txt
#   make clean       remove all that make made, except the instance
#   make distclean   remove the instance too, with its database
#
# Variables: PYTHON=python3.12 PORT=8080 ADDRESS=127.0.0.1 INSTANCE=instance
# USER_PASSWORD=admin:admin ARGS='-k store' SECONDS=300 REQUESTS=1000000
# PICTURES=https://example.org/raw/2.0.0 (release)
# SEED=1 (soak, memory) CORE='keys page' (mutation) WORKERS=2 (tests)

PYTHON ?= python3
PORT ?= 8080
ADDRESS ?= 127.0.0.1
INSTANCE ?= instance
USER_PASSWORD ?= admin:admin
ARGS ?=
# Processes that run tests side by side; 0 runs them in one, for a debugger.
WORKERS ?= 2
SECONDS ?= 300
REQUESTS ?= 1000000
SEED ?=
CORE ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet -c constraints.txt
# Plone has an environment of its own, because it brings 150 packages.
PLONE_VENV := $(VENV)-plone
PLONE_BIN := $(PLONE_VENV)/bin
PLONE_INSTALL := $(PLONE_BIN)/python -m pip --disable-pip-version-check \
	install --quiet -c constraints-plone62.txt

# Add-ons by other authors.  Plone's constraints hold for their dependencies;
# pip takes the newest version of each add-on that fits.
ADDONS_VENV := $(VENV)-plone-addons
ADDONS_BIN := $(ADDONS_VENV)/bin
ADDONS_INSTALL := $(ADDONS_BIN)/python -m pip --disable-pip-version-check \
	install --quiet -c $(ADDONS_VENV)/constraints.txt
ADDONS := collective.easyform collective.glossary \
	collective.collectionfilter eea.facetednavigation plone.app.mosaic \
	collective.lineage collective.workspace Products.EasyNewsletter

TESTS := Products/PageCacheManager/tests
LOCALES := Products/PageCacheManager/locales
# A module in one process; tests/conftest.py puts slow modules first.
SIDE_BY_SIDE := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

VERSION := $(shell $(PYTHON) -c \
	'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
# The name carries the version: another PYTHON makes another environment.
MADE := $(VENV)/made-with-python$(VERSION)
SOURCES := setup.py pyproject.toml constraints.txt

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := start
.PHONY: start plone-start check test plone-test buildout-test coverage \
	plone-coverage mutation lint typecheck docs locales package bench \
	plone-bench freshness \
	plone-freshness plone-addons conformance \
	soak memory release versions clean distclean

start: $(VENV)/start-installed
	@$(BIN)/python -m Products.PageCacheManager.demo.instance \
	    '$(INSTANCE)' --address '$(ADDRESS)' --port='$(PORT)' \
	    --user='$(USER_PASSWORD)'

plone-start: $(PLONE_VENV)/installed
	@$(PLONE_BIN)/python -m Products.PageCacheManager.demo.instance \
	    '$(INSTANCE)-plone' --plone --address '$(ADDRESS)' \
	    --port='$(PORT)' --user='$(USER_PASSWORD)'

# Fewer examples of hypothesis than `make test` takes.
check: $(VENV)/dev-installed
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n $(WORKERS) --hypothesis-profile=quick \
	    $(TESTS)/core $(TESTS)/test_docs.py $(TESTS)/test_structure.py \
	    $(ARGS)

plone-test: $(PLONE_VENV)/installed
	PCM_PLONE=1 $(PLONE_BIN)/python -m pytest \
	    $(SIDE_BY_SIDE) $(TESTS)/plone $(ARGS)

test: $(VENV)/dev-installed
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

# These tests start processes, which must find the eggs of buildout.
buildout-test:
	$(PYTHON) -m venv .buildout
	.buildout/bin/python -m pip --disable-pip-version-check \
	    install --quiet -c constraints.txt zc.buildout setuptools wheel
	.buildout/bin/buildout -q
	bin/test $(SIDE_BY_SIDE) $$(grep -rlE 'sys\.executable|zeo_fixtures' \
	    --include='test_*.py' --exclude-dir=plone $(TESTS)) $(ARGS)

# Branches count too; pyproject.toml has the minimum.
coverage:
	@$(MAKE) test ARGS='--cov $(ARGS)'

plone-coverage:
	@$(MAKE) plone-test ARGS='--cov \
	    --cov-config=$(TESTS)/plone/coverage.ini $(ARGS)'

# An hour; `make mutation CORE=keys` takes one module. mutants/ keeps the
# results; `mutmut browse` shows them.
mutation: $(VENV)/dev-installed
	$(INSTALL) --no-build-isolation -e '.[mutation]'
	nice $(BIN)/mutmut run --max-children 1 \
	    $(CORE:%='Products.PageCacheManager.core.%.*')
	$(BIN)/mutmut results

lint: $(VENV)/dev-installed
	$(BIN)/ruff check .
	@$(VERSIONS_CFG) | diff versions.cfg - || { \
	    echo "versions.cfg does not fit constraints.txt: make versions"; \
	    exit 1; }

typecheck: $(VENV)/dev-installed
	$(BIN)/mypy

docs: $(VENV)/dev-installed
	$(BIN)/sphinx-build -W -n -b html docs docs/_build/html

# A catalog is compiled if its text is newer.
locales: $(VENV)/dev-installed
	@for language in $(LOCALES)/*; do \
	    $(BIN)/python -c 'import sys; from zope.i18n.compile import \
	    compile_mo_file; compile_mo_file(*sys.argv[1:])' \
	    PageCacheManager $$language/LC_MESSAGES; done

bench: $(VENV)/dev-installed
	$(INSTALL) --no-build-isolation -e '.[bench]'
	$(BIN)/python benchmarks/run.py --quick $(ARGS)

plone-bench: $(PLONE_VENV)/installed
	$(PLONE_BIN)/python benchmarks/run.py --plone --quick $(ARGS)

freshness: $(VENV)/dev-installed
	$(BIN)/python benchmarks/freshness.py $(ARGS)

plone-freshness: $(PLONE_VENV)/installed
	$(PLONE_BIN)/python -W ignore benchmarks/plonefreshness.py $(ARGS)

plone-addons: $(ADDONS_VENV)/installed
	$(ADDONS_BIN)/python -W ignore benchmarks/ploneaddons.py $(ARGS)

conformance: $(VENV)/dev-installed
	$(INSTALL) --no-build-isolation -e '.[conformance]'
	$(BIN)/python -m pytest conformance $(ARGS)

soak: $(VENV)/dev-installed
	$(BIN)/python -m soak --seconds $(SECONDS) $(addprefix --seed ,$(SEED))

memory: $(VENV)/dev-installed
	$(BIN)/python -m soak.memory --requests $(REQUESTS) \
	    $(addprefix --seed ,$(SEED))

# The clean environment has only the wheel and its dependencies. A Zope in it,
# started from another directory, must find the product.
package: $(VENV)/dev-installed
	rm -rf build dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*
	$(BIN)/python -m venv --clear build/clean
	build/clean/bin/python -m pip --disable-pip-version-check install \
	    --quiet -c constraints.txt \
	    "$$(echo dist/*.whl)[start]"
	cd build && clean/bin/python -m Products.PageCacheManager.demo.instance \
	    instance --no-start
	cd build && clean/bin/zconsole run instance/etc/zope.conf \
	    ../.ci/check_wheel.py

# The fastest check comes first.
release: $(VENV)/dev-installed
	@$(BIN)/python .ci/release.py check
	$(MAKE) lint typecheck docs test package
	@$(BIN)/python .ci/release.py tell

VERSIONS_CFG = { echo '\# Made from constraints.txt by `make versions`.'; \
	echo '[versions]'; sed -n 's/==/ = /p' constraints.txt; }

versions:
	$(VERSIONS_CFG) > versions.cfg

clean:
	rm -rf $(VENV) $(PLONE_VENV) $(ADDONS_VENV) build dist docs/_build *.egg-info \
	    .coverage htmlcov mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis .tox

distclean: clean
	rm -rf $(INSTANCE) $(INSTANCE)-plone

$(VENV)/start-installed: $(MADE) $(SOURCES)
	@echo "Fetching Zope into $(VENV), which takes a minute ..."
	$(INSTALL) --no-build-isolation -e '.[start]'
	@touch $@

$(VENV)/dev-installed: $(MADE) $(SOURCES)
	@echo "Fetching Zope and the tools into $(VENV) ..."
	$(INSTALL) --no-build-isolation -e '.[dev]'
	@touch $@ $(VENV)/start-installed

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "$(PYTHON) is $$($(PYTHON) -V 2>&1 || true)." \
	        "Python 3.11 or later is needed; for another one:" \
	        "make PYTHON=python3.12"; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	    echo "$(PYTHON) cannot make an environment. On Debian and Ubuntu:" \
	        "apt install python3-venv"; exit 1; }
	@$(INSTALL) setuptools wheel
	@touch $@

$(PLONE_VENV)/installed: setup.py pyproject.toml constraints-plone62.txt
	@echo "Fetching Plone into $(PLONE_VENV), which takes two minutes ..."
	@$(PYTHON) -m venv $(PLONE_VENV) || { rm -rf $(PLONE_VENV); exit 1; }
	@$(PLONE_INSTALL) setuptools wheel
	$(PLONE_INSTALL) --no-build-isolation -e '.[plone-test]'
	@touch $@

# eea.facetednavigation imports pkg_resources, which newer setuptools lack.
# If pip cannot install an add-on, NAME.log has its messages.
$(ADDONS_VENV)/installed: setup.py pyproject.toml constraints-plone62.txt
	@echo "Fetching Plone and add-ons into $(ADDONS_VENV), which takes" \
	    "five minutes ..."
	@$(PYTHON) -m venv $(ADDONS_VENV) || { rm -rf $(ADDONS_VENV); exit 1; }
	@sed 's/^setuptools==.*/setuptools<81/' constraints-plone62.txt \
	    > $(ADDONS_VENV)/constraints.txt
	@$(ADDONS_INSTALL) --upgrade setuptools wheel
	$(ADDONS_INSTALL) --no-build-isolation -e '.[plone-test]'
	@for name in $(ADDONS); do \
	    echo $$name; \
	    $(ADDONS_INSTALL) $$name 2> $(ADDONS_VENV)/$$name.log || \
	        tail -1 $(ADDONS_VENV)/$$name.log; done
	@touch $@
