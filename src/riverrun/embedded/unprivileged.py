"""Postgres refuses to run as root: who it runs as instead, and what that user may reach."""

import os
import pwd
import stat
from pathlib import Path

from riverrun.embedded.errors import EmbeddedError
from riverrun.embedded.guarded_process import Account

CANDIDATES = ("riverrun", "nobody")
"""An account that the operator made for us, else the one that every Unix has. We add none to the system."""


def account_for(*paths: Path) -> Account | None:
    """The user Postgres runs as, given the programs and folders it must reach; none means as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        closed = not all(can_reach(entry.pw_uid, entry.pw_gid, path) for path in paths)
        return Account(entry.pw_uid, entry.pw_gid, keep_file_access=closed)
    raise EmbeddedError(
        "Postgres does not run as root, and this machine has neither a user `riverrun` nor `nobody`: "
        "add one, start Riverrun as an ordinary user, or set RIVERRUN_DATABASE_URL."
    )


def require_owner(folder: Path, account: Account | None) -> None:
    """Raise ``EmbeddedError`` unless the folder belongs to the user Postgres runs as; a copy may have lost its owners."""
    owner, user = folder.stat().st_uid, account.user if account else os.geteuid()
    if owner != user:
        raise EmbeddedError(
            f"{folder} belongs to {user_name(owner)}, but Postgres runs as {user_name(user)}: "
            f"run `chown -R {user_name(user)} {folder}` as root, or copy the data folder with its owners (cp -a)."
        )


def user_name(user: int) -> str:
    """Its number where the system has no name for it."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def can_reach(user: int, group: int, path: Path) -> bool:
    """Whether a user without further groups may pass every folder above ``path`` (by mode bits; ACLs are not read)."""
    return all(may_pass(user, group, folder.stat()) for folder in path.resolve().parents)


def may_pass(user: int, group: int, folder: os.stat_result) -> bool:
    if folder.st_uid == user:
        return bool(folder.st_mode & stat.S_IXUSR)
    if folder.st_gid == group:
        return bool(folder.st_mode & stat.S_IXGRP)
    return bool(folder.st_mode & stat.S_IXOTH)
