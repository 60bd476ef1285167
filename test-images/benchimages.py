# SPDX-License-Identifier: BSD-2-Clause-Patent
"""The images that are measured: of booted guests, filled with files of Debian's kernel (and 32 MiB
that do not compress), made once and kept in the cache."""

import functools

import cache
import guest
import hibernated
import machine as machines
import oracle

# name: (recipe, MiB of RAM)
IMAGES = {
    "small": (guest.Recipe(random=32, zero=4, content=33), 1024),
    "lz4": (guest.Recipe(random=32, zero=4, content=33, compressor="lz4"), 1024),
    "medium": (guest.Recipe(random=32, zero=4, content=120, copies=9, swap=1536), 4096),
    "medium-lz4": (guest.Recipe(random=32, zero=4, content=120, copies=9, swap=1536,
                                compressor="lz4"), 4096),
    "raw": (guest.Recipe(random=32, zero=4, content=120, copies=9, swap=1536, compressor="none"),
            4096),
    "large": (guest.Recipe(random=32, zero=4, content=120, copies=30, swap=4096), 12288),
}


@functools.cache
def image(name, processors):
    recipe, memory = IMAGES[name]
    config = machines.Config(memory=memory, processors=processors, bootindex=True)
    return hibernated.hibernated(f"bench-{name}-{processors}", recipe, config,
                                 cache.LOGS / f"making-bench-{name}-{processors}.log")


@functools.cache
def facts(hibernated_image):
    """Pages, and what the stream takes on disk, without decoding it."""
    parsed = oracle.open_image(hibernated_image.disk)
    used = sum(len(blocks) for blocks, _ in parsed.chunks())
    return {"pages": parsed.image_pages, "stored": used / (parsed.pages - 1),
            "codec": parsed.codec, "kernel": hibernated_image.facts["kernel"]}


def recipe(hibernated_image):
    r = hibernated_image.recipe
    return f"{r.random} MiB random, {r.content} MiB of files, {r.copies} copies of them"


def describe(hibernated_image):
    f = facts(hibernated_image)
    return (f"{f['pages']} pages stored in {100 * f['stored']:.0f} %, Linux {f['kernel']}, "
            f"{f['codec']}; {recipe(hibernated_image)}")
