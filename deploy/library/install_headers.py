#!/usr/bin/env python3
"""Copies the headers of all rooms below include/troupe, with their paths. Run by `meson install`."""
import os
import pathlib
import shutil

source = pathlib.Path(os.environ["MESON_SOURCE_ROOT"])
target = pathlib.Path(os.environ["MESON_INSTALL_DESTDIR_PREFIX"]) / "include" / "troupe"
for room in ("runtime", "actors"):
    for header in sorted((source / room).rglob("*.hpp")):
        copy = target / header.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(header, copy)
