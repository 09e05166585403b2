//! Which layer may use which: a module, or a part of it (`audit::store`).
//!
//! Beyond the drawing of the architecture, each for its reason: `model` takes fresh ids from `clock`, the one door to
//! them · events of `audit` keep the evidence of an approval · stores take the port and the plain records that go through
//! it: `audit::event`, `audit::anchor` · `cli` has what only people do: it lists approvals and verifies the log, and
//! `serve` is one of its commands.

/// Layer, what it may use.
pub(crate) const TABLE: &[(&str, &[&str])] = &[
    ("main", &[]),
    ("lib", &[]),
    ("model", &["clock"]),
    ("secret", &["model"]),
    ("clock", &[]),
    ("error", &["model"]),
    ("exec", &["error", "secret"]),
    ("policy", &["model", "error", "secret", "clock"]),
    ("approval", &["model", "error", "secret", "clock"]),
    ("lock", &["model", "error", "secret", "clock"]),
    ("audit", &["model", "approval::Evidence", "error", "secret", "clock"]),
    ("permit", &["model", "policy", "approval", "lock", "audit", "error"]),
    ("port", &["model", "permit", "lock::Lease", "error", "secret"]),
    ("config", &["model", "policy", "error", "secret"]),
    ("scaffold", &["model", "config", "error"]),
    ("run", &["model", "approval", "lock", "audit", "permit", "port", "error", "secret", "clock"]),
    (
        "operation",
        &[
            "model", "policy", "approval", "lock", "audit", "permit", "port", "config", "run",
            "error", "secret", "clock",
        ],
    ),
    ("adapter/absent", &["model", "permit", "port", "error"]),
    ("adapter/argocd", &["model", "permit", "port", "secret", "error", "clock"]),
    ("adapter/aws", &["model", "permit", "port", "exec", "secret", "error", "clock"]),
    (
        "adapter/file",
        &[
            "model",
            "permit",
            "port",
            "approval::store",
            "lock::store",
            "audit::store",
            "audit::anchor",
            "secret",
            "error",
            "clock",
        ],
    ),
    ("adapter/helm", &["model", "permit", "port", "exec", "secret", "error", "clock"]),
    ("adapter/kubeconfig", &["model", "port", "secret", "error", "clock"]),
    ("adapter/no_argocd", &["model", "permit", "port", "error"]),
    ("adapter/premises", &["model", "port", "error"]),
    ("adapter/process", &["model", "permit", "port", "exec", "secret", "error", "clock"]),
    (
        "adapter/sqlite",
        &[
            "model",
            "approval::store",
            "lock::store",
            "audit::store",
            "audit::event",
            "error",
            "clock",
        ],
    ),
    ("adapter/terraform", &["model", "permit", "port", "exec", "secret", "error", "clock"]),
    ("mcp", &["operation", "run", "model", "config", "error", "secret"]),
    ("embed", &["operation", "run", "model", "error", "approval", "app::embedded"]),
    (
        "cli",
        &[
            "operation",
            "run",
            "model",
            "config",
            "error",
            "secret",
            "approval::ApprovalState",
            "audit::verify",
            "mcp::serve_stdio",
        ],
    ),
    (
        "app",
        &[
            "adapter",
            "audit",
            "cli",
            "clock",
            "config",
            "error",
            "mcp",
            "model",
            "operation",
            "port",
            "run",
            "scaffold",
            "telemetry",
        ],
    ),
    ("telemetry", &[]),
];
