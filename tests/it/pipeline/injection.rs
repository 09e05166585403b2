//! Security 12, bar 23: hostile texts in every field of every tool. What names something is refused before anything is
//! started or asked; what is only compared or kept starts nothing.

use datamcp::error::Error;
use datamcp::operation::{call, catalog, catalog::Kind, catalog::Tool, place};
use serde_json::{Value, json};

use super::helm;
use super::site::{Site, agent};

/// Options that lead a child elsewhere, take something from the disk, switch a check off, or run something.
const OPTIONS: [&str; 48] = [
    "kubeconfig",
    "kube-context",
    "kube-apiserver",
    "kube-token",
    "kube-as-user",
    "kube-as-group",
    "kube-ca-file",
    "kube-insecure-skip-tls-verify",
    "kube-tls-server-name",
    "insecure-skip-tls-verify",
    "plain-http",
    "namespace",
    "post-renderer",
    "post-renderer-args",
    "set",
    "set-file",
    "set-json",
    "set-string",
    "set-literal",
    "values",
    "repo",
    "pass-credentials",
    "username",
    "password",
    "keyring",
    "cert-file",
    "key-file",
    "ca-file",
    "registry-config",
    "repository-config",
    "repository-cache",
    "content-cache",
    "force",
    "force-replace",
    "force-conflicts",
    "take-ownership",
    "no-hooks",
    "skip-schema-validation",
    "skip-crds",
    "create-namespace",
    "disable-openapi-validation",
    "dry-run",
    "destroy",
    "target",
    "auto-approve",
    "lock",
    "state",
    "server",
];

/// Everything else that once worked somewhere.
const OTHERS: [&str; 74] = [
    "-sURL",
    "-Ahttps://evil.example.com",
    "-f/etc/passwd",
    "-f-",
    "-n kube-system",
    "-out=x",
    "-chdir=/",
    "-",
    "--",
    "-var=a=b",
    "-var-file=/etc/passwd",
    "-backend-config=bucket=x",
    "-lock=false",
    "-input=true",
    "-h",
    "-v",
    "@file",
    ".",
    "..",
    "./x",
    "../x",
    "/etc/passwd",
    "~/x",
    "~root",
    "a/../../b",
    "helm/../../x",
    "helm/..",
    "helm//x",
    "helm/./x",
    "a//b",
    "C:\\x",
    "\\\\host\\share",
    "http://127.0.0.1/x",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/",
    "http://metadata.google.internal/",
    "https://user:pw@host.example.com/x",
    "https://evil.example.com/x.tgz",
    "ftp://host.example.com/x",
    "file:///etc/passwd",
    "oci://registry.example.com/x",
    "oci://169.254.169.254/x:1",
    "git::ssh://x?ref=--upload-pack=y",
    "git@host.example.com:x",
    "ext::sh -c id",
    "data:text/plain,x",
    "gopher://host.example.com/x",
    "a;id",
    "a|id",
    "a&&id",
    "a`id`",
    "$(id)",
    "${IFS}id",
    "a\nid",
    "a\r\nX: y",
    "a\0b",
    "a\tb",
    " a",
    "a ",
    "a b",
    "'a'",
    "\"a\"",
    "a,b=c",
    "a=b",
    "image.tag=1,replicas=2",
    "{{ .Values }}",
    "${file(\"/etc/passwd\")}",
    "%2e%2e%2fx",
    "..%2fx",
    "\u{430}pps",
    "a\u{202e}b",
    "a\u{200b}b",
    "*",
    "^.*$",
];

fn corpus() -> Vec<String> {
    let of_option = |option: &str| {
        let underscored = option.replace('-', "_");
        [
            format!("--{option}"),
            format!("--{option}=https://evil.example.com"),
            format!("--{option} x"),
            format!("-{option}=x"),
            format!("--{underscored}=x"),
        ]
    };
    let mut all: Vec<String> = OPTIONS.iter().flat_map(|option| of_option(option)).collect();
    all.extend(OTHERS.iter().map(|text| (*text).to_owned()));
    all.push("a".repeat(10_000));
    all
}

/// A good value of each field that holds a name.
fn good(field: &str) -> Option<Value> {
    Some(match field {
        "cloud" => json!("aws"),
        "env" | "project" | "account_name" => json!("dev"),
        "workspace" => json!("default"),
        "kube_context" => json!("aws-dev"),
        "chart_path" => json!("helm/charts/web"),
        "version" => json!("1.0.0"),
        "release" | "app_name" => json!("web"),
        "namespace" | "dest_namespace" => json!("apps"),
        "cluster" => json!("acme-dev"),
        "server" => json!("main"),
        "manifest_repo" => json!("https://git.example.com/acme/web.git"),
        "revision" => json!("v1.0.0"),
        "dest_cluster" => json!("https://kubernetes.default.svc"),
        "organization" => json!("acme"),
        "email" => json!("aws+dev@example.com"),
        "ou_id" => json!(super::organizations::UNIT),
        "role_name" => json!("Admin"),
        "state_bucket" => json!("acme-dev-state"),
        "project_id" => json!("acme-data-4711"),
        "billing_account" => json!("012345-6789AB-CDEF01"),
        "org_id" | "folder_id" => json!("415104041262"),
        "plan_id" | "id" => json!("01a20409-5bbb-7000-8000-000000000000"),
        _ => return None,
    })
}

/// Fields that are never part of a name, an argument or an address: compared, parsed, or kept.
const DATA: [&str; 9] = [
    "idempotency_key",
    "user",
    "tool",
    "status",
    "since",
    "until",
    "cursor",
    "path",
    "account_name",
];

/// Fields that hold values of a chart: data, whatever is in them.
const VALUES: [&str; 2] = ["values", "helm_values"];

/// A site with a cluster and with a project of an Argo CD.
fn site() -> Site {
    let site = helm::site();
    site.configure(
        "project = \"acme\"",
        "project = \"acme\"\n[argocd.main]\nurl = \"https://argocd.example.com\"\ntoken = \"env:TOKEN\"",
    );
    let google = "[organizations.google]\ncloud = \"gcp\"\ntier = \"dev\"\norganization_id = \"415104041262\"";
    let organizations = format!("{}\n{google}\n[tiers.dev]", super::accounts::ORGANIZATION);
    site.configure("[tiers.dev]", &organizations);
    site.configure(
        "cluster = {",
        "argocd = { server = \"main\", project = \"dev\", repos = [\"https://git.example.com/acme/\"] }\ncluster = {",
    );
    site
}

/// Fields of a tool that take a text.
fn texts(tool: &Tool) -> Vec<String> {
    let schema = (tool.input)().to_value();
    let fields = schema["properties"].as_object().cloned().unwrap_or_default();
    let is_text = |field: &Value| {
        let types = field["type"].to_string();
        types.contains("string") || field.to_string().contains("#/$defs/Cloud")
    };
    fields.iter().filter(|(_, field)| is_text(field)).map(|(name, _)| name.clone()).collect()
}

/// A request that is good in every field that names something.
fn request(tool: &Tool) -> Value {
    let mut request = json!({});
    for field in texts(tool).iter().filter(|f| *f != "plan_id" && *f != "version") {
        if let Some(value) = good(field) {
            request[field] = value;
        }
    }
    if tool.name == "argo_create_app" {
        request["path"] = json!("web");
    }
    if tool.name == "gcp_create_project" {
        request["organization"] = json!("google");
        // One of the two at a time; neither has to be there.
        for place in ["org_id", "folder_id"] {
            request.as_object_mut().unwrap().remove(place);
        }
    }
    request
}

/// Why a request is refused before anything is started, asked or recorded.
async fn refusal(site: &Site, tool: &'static Tool, request: &Value) -> Option<Error> {
    let world = site.world();
    let Some(work) = tool.kind.long() else {
        let called = call(&world, &agent(), tool, request.clone(), &mut |_| {}).await;
        return called.failed.then(|| super::site::error(&called.answer));
    };
    let admitted = async {
        let ask = work.parse(request)?;
        let asked = work.target(&world.config, &ask)?;
        let (environment, _) = place(&world.config, asked, &ask, None)?;
        work.inspect(&world, environment, &ask).await
    };
    admitted.await.err()
}

#[tokio::test]
async fn security_12_hostile_names_are_refused_in_every_field_of_every_tool() {
    let (site, corpus) = (site(), corpus());
    assert!(corpus.len() >= 250, "{}", corpus.len());
    let mut tried = 0;
    for tool in catalog::TOOLS {
        for field in texts(tool) {
            let of_repository = field == "path" && tool.name == "argo_create_app";
            if (DATA.contains(&field.as_str()) && !of_repository)
                || VALUES.contains(&field.as_str())
            {
                continue;
            }
            assert!(
                good(&field).is_some() || of_repository,
                "{}: what is good in {field}?",
                tool.name
            );
            // The top of a repository is a folder like others.
            for hostile in corpus.iter().filter(|text| !(of_repository && *text == ".")) {
                let mut request = request(tool);
                request[&field] = json!(hostile);
                let shown: String = hostile.chars().take(60).collect();
                let refused = refusal(&site, tool, &request).await;
                let refused = refused.unwrap_or_else(|| panic!("{}.{field}: {shown:?}", tool.name));
                assert_eq!(refused.field.as_deref(), Some(field.as_str()), "{shown:?}: {refused}");
                tried += 1;
            }
        }
    }
    assert!(tried > 5_000, "{tried}");
    assert!(site.argocd.effects().is_empty() && site.organization.asked() == 0);
    assert!(site.helm.asked().is_empty() && site.terraform.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn security_12_options_of_children_are_no_fields_of_any_tool() {
    let site = site();
    for tool in catalog::TOOLS.iter().filter(|tool| matches!(tool.kind, Kind::Write(_))) {
        for option in OPTIONS {
            let names = [option.to_owned(), option.replace('-', "_"), format!("--{option}")];
            let fields = texts(tool);
            for name in names.iter().filter(|name| {
                !fields.contains(name) && *name != "dry_run" && *name != "auto_approve"
            }) {
                let mut request = request(tool);
                request[name] = json!("x");
                let refused = refusal(&site, tool, &request).await;
                let refused = refused.unwrap_or_else(|| panic!("{}: {name}", tool.name));
                assert_eq!(refused.field.as_deref(), Some(name.as_str()), "{}", tool.name);
            }
        }
    }
}
