"""The kinds of file that are read, and what their writers may have meant instead."""

from reconciler.model.keep import Keep
from reconciler.model.match import Match
from reconciler.model.policy import Guards, Policy, PolicyFile
from reconciler.model.policytest import ExpectedGuards, ExpectedImage, PolicyTest
from reconciler.model.rules import Protection, Rule
from reconciler.policyfile.keys import Grammar

POLICIES = Grammar(
    levels={
        "": PolicyFile,
        "policies": Policy,
        "guards": Guards,
        "protect": Protection,
        "rules": Rule,
        "match": Match,
        "keep": Keep,
    },
    homes={
        "": "at the top of the file",
        "policies": "in a policy",
        "guards": "under 'guards'",
        "protect": "in a protection",
        "rules": "in a rule",
        "match": "under 'match'",
        "keep": "under 'keep'",
    },
    foreign={
        **dict.fromkeys(
            ("keep_last", "keep_n", "keep_count", "count", "most_recent", "keep_n_most_recent"),
            "write keep: {last: 10}",
        ),
        **dict.fromkeys(
            (
                "older_than",
                "newer_than",
                "max_age",
                "age",
                "cut_off",
                "expire_after",
                "keep_within",
            ),
            "say what to keep instead: keep: {within: 30d}",
        ),
        **dict.fromkeys(
            ("delete", "expire", "remove", "action"),
            "a rule says what to keep; the other images it covers expire",
        ),
        **dict.fromkeys(
            ("prefix", "pattern", "glob", "tag_prefix", "name_regex"),
            'write match: {tags: ["release-*"]} or match: {regex: ...}',
        ),
        **dict.fromkeys(
            ("schedule", "cron", "cadence", "interval"),
            "a policy has no clock; whoever runs reconciler decides when",
        ),
        **dict.fromkeys(
            ("token", "password", "username", "credentials", "auth", "endpoint", "url", "registry"),
            "a policy holds no access; give it to reconciler as a setting",
        ),
        **dict.fromkeys(("dry_run", "enabled"), "remove it; `reconciler plan` never deletes"),
        **dict.fromkeys(
            ("include", "extends", "<<"), "a policy file includes nothing; write the keys out"
        ),
    },
)

TESTS = Grammar(
    levels={"": PolicyTest, "images": ExpectedImage, "guards": ExpectedGuards},
    homes={
        "": "at the top of the file",
        "images": "in an image",
        "guards": "under 'guards'",
    },
    foreign=dict.fromkeys(
        ("policies", "rules", "protect", "keep", "match"),
        "a test only names its policy; the policy stands in its own file",
    ),
)
