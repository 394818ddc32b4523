"""Failures, made for real in the middle of a lap."""

from tests.server.support import Stored

MIDDLE = 480
"""The first frame of the second block: those before it are in the COPY already."""

QUICK = {"bug_tries": 3, "poison_tries": 3}


async def break_table(
    stored: Stored, statement: str, *, table: str = "frame_blocks", when: str = f"new.first_frame = {MIDDLE}"
) -> None:
    """Have a trigger do something in the middle of an INSERT or COPY."""
    await stored.query(
        f"create function break_it() returns trigger language plpgsql as"
        f" $$ begin if {when} then {statement} end if; return new; end $$"
    )
    await stored.query(f"create trigger break_it before insert on {table} for each row execute function break_it()")


async def repair_table(stored: Stored) -> None:
    await stored.query("drop function break_it cascade")


def raising(state: str) -> str:
    return f"raise exception 'made up' using errcode = '{state}';"
