"""An import-linter contract that is an allow-list: https://import-linter.readthedocs.io/en/stable/custom_contract_types/"""

from __future__ import annotations

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

# The packages of the project. Anything else is external: allowed, unless it is listed in `never`.
_OURS = ("harness", "targets", "scenarios")


class MayImportOnly(Contract):
    """`modules`, with all below them, import each other, what `allowed` names (and below), and nothing else of ours.

    `except`: modules below that have a contract of their own. `never`: external packages that are not for them.
    """

    modules = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField())
    never = fields.ListField(subfield=fields.StringField(), required=False)
    excepted = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        broken = []
        missing = [name for name in (*self.modules, *self.allowed, *(self.excepted or ())) if name not in graph.modules]
        for importer in sorted(graph.modules):
            if not _is_in(importer, self.modules) or _is_in(importer, self.excepted or ()):
                continue
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                ours = imported.partition(".")[0] in _OURS
                fine = (
                    _is_in(imported, (*self.modules, *self.allowed)) if ours else not _is_in(imported, self.never or ())
                )
                if not fine:
                    broken.append(f"{importer} -> {imported}")
        return ContractCheck(kept=not broken and not missing, metadata={"broken": broken, "missing": missing})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for name in check.metadata["missing"]:
            output.print_error(f"{name}: is named in the rule and does not exist; correct pyproject.toml")
        for line in check.metadata["broken"]:
            output.print_error(f"{line}: not on the list of what may be imported there")


def _is_in(module: str, packages: object) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)  # type: ignore[attr-defined]
