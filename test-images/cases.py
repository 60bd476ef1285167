# SPDX-License-Identifier: BSD-2-Clause-Patent
"""cases.toml, read."""

import dataclasses
import fnmatch
import tomllib

import cache
import debian
import guest
import hibernated
import machine as machines
import results


def load():
    """(guests, cases) of cases.toml."""
    with open(cache.HERE / "cases.toml", "rb") as file:
        data = tomllib.load(file)
    for case in data["case"]:
        case.setdefault("name", f"{case['kind']}-{case.get('guest')}")
        case.setdefault("groups", ["check"])
    return data["guest"], data["case"]


def _fields(kind, table):
    return kind(**{f.name: table[f.name] for f in dataclasses.fields(kind) if f.name in table})


def guest_of(name, table):
    """(Recipe, Config) that a table of cases.toml describes."""
    known = {f.name for kind in (guest.Recipe, machines.Config) for f in dataclasses.fields(kind)}
    if unknown := set(table) - known:
        raise SystemExit(f"cases.toml: guest {name}: {' '.join(unknown)}?")
    return _fields(guest.Recipe, table), _fields(machines.Config, table)


def image_of(name, table, log=None):
    """The hibernated disk of a guest."""
    return hibernated.hibernated(name, *guest_of(name, table), log)


def subject(case, guests):
    """(digest of all that a run of the case depends on but for the programs, Recipe, Config); the
    machine as it was when it hibernated; of a case that makes its own guest, the usual one."""
    name = case.get("guest")
    if case["kind"].startswith("debian"):
        recipe, config = guest.Recipe(kernel=debian.KERNEL), machines.Config(**case["machine"])
        made = debian.key_of(case)
    else:
        usual = guest.Recipe(), machines.Config(**case.get("machine", {}))
        recipe, config = guest_of(name, guests[name]) if name else usual
        made = hibernated.key(recipe, config)
    return results.digest(case, made), recipe, config


def wanted(cases, names, group):
    if unknown := [n for n in names if not any(fnmatch.fnmatch(c["name"], n) for c in cases)]:
        raise SystemExit(f"run: no such case: {' '.join(unknown)}")
    return [c for c in cases if (names or group or not c.get("alone"))
            and (not group or group in c["groups"])
            and (not names or any(fnmatch.fnmatch(c["name"], n) for n in names))]
