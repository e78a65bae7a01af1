"""The commands, wired to their names and options."""

from __future__ import annotations

from typing import Annotated

import typer

from lora_proofs.cli import (
    adapting,
    checking,
    creating,
    deriving,
    experimenting,
    exploring,
    flowing,
    inspecting,
    ranking,
    replaying,
    reporting,
    schemas,
    selftesting,
    verifying,
)
from lora_proofs.cli.guard import Finished, guarded

app = typer.Typer(
    name="lora-proofs",
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        from lora_proofs.running.provenance import versions

        print(f"lora-proofs {versions()['lora_proofs']}")
        raise Finished(0)


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Derive, test, attack and judge the theory of low-rank adaptation (LoRA).

    \b
    Examples:
      lora-proofs list                          the theorems that are shipped
      lora-proofs verify                        verify all of them
      lora-proofs new my_claim.py               a claim of your own to start from
      lora-proofs verify my_claim.py            verify it
      lora-proofs selftest                      see that false claims are noticed
      lora-proofs derive classical/balancedness
      lora-proofs check certificates            re-verify certificates, independently
      lora-proofs flow instance.json            a gradient flow to any number of digits
      lora-proofs rank-accuracy instance.json   rank against accuracy in the limit
      lora-proofs experiment --list             a paper's experiments, rerun
      lora-proofs adapt instance.json           adapters for a frozen model and a target
      lora-proofs report --format html -o report.html
      lora-proofs explore                       a page of flow, error and bounds that move
      lora-proofs schema verify                 the JSON Schema of what a command prints

    \b
    Exit codes: 0 as expected; 1 a verdict differs, or a claim of yours is refuted or raises;
    2 interrupted; 3 internal error; 4 bad usage, input or output; 5 nothing selected;
    6 --strict and something is INCONCLUSIVE.
    """


app.command("list")(guarded(inspecting.list_claims))
app.command("show")(guarded(inspecting.show_claim))
app.command("new")(guarded(creating.new_claim))
app.command("derive")(guarded(deriving.derive_claim))
app.command("verify")(guarded(verifying.verify_claims))
app.command("replay")(guarded(replaying.replay_record))
app.command("check")(guarded(checking.check_certificates))
app.command("flow")(guarded(flowing.solve_flow))
app.command("rank-accuracy")(guarded(ranking.rank_accuracy))
app.command("experiment")(guarded(experimenting.run_experiment))
app.command("adapt")(guarded(adapting.adapt_model))
app.command("selftest")(guarded(selftesting.selftest))
app.command("report")(guarded(reporting.write_report))
app.command("explore")(guarded(exploring.explore))
app.command("schema")(guarded(schemas.print_schema))
