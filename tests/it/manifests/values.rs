//! The values for the vendors' charts: people sign in by OIDC, nothing is open to the internet, no key is unknown.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use xtask::manifest::{documents, items, leaves, text};

use super::{file, with};

const INTERNAL: &str = "alb.ingress.kubernetes.io~1scheme";
const SOURCES: &str = "alb.ingress.kubernetes.io~1inbound-cidrs";

struct Faults(Vec<String>);

impl Faults {
    fn must(&mut self, holds: bool, what: &str) {
        if !holds {
            self.0.push(what.to_owned());
        }
    }

    /// An Ingress is on a load balancer inside the network, for sources inside the network.
    fn restricted(&mut self, ingress: &Value) {
        let annotation = |name| text(ingress, &format!("/annotations/{name}"));
        self.must(annotation(INTERNAL) == "internal", "an ingress open to the internet");
        self.must(annotation(SOURCES).starts_with("10."), "an ingress for every source");
    }

    /// No Service is a load balancer, and no password or token stands in the file.
    fn closed(&mut self, values: &Value) {
        for leaf in leaves(values) {
            let name = leaf.rsplit('.').next().unwrap_or_default().to_lowercase();
            let secret = ["password", "clientsecret", "token", "adminpassword"];
            self.must(!secret.contains(&name.as_str()), &format!("{leaf}: a secret in the file"));
        }
        self.must(!values.to_string().contains("LoadBalancer"), "a load balancer");
    }
}

fn argo_cd(values: &Value, prod: bool) -> Vec<String> {
    let mut faults = Faults(Vec::new());
    let is = |pointer: &str, wanted: Value| values.pointer(pointer) == Some(&wanted);
    let oidc = documents(text(values, "/configs/cm/oidc.config")).unwrap_or_default();
    let oidc = oidc.first().cloned().unwrap_or_default();
    faults.must(text(&oidc, "/issuer").starts_with("https://"), "no OIDC");
    faults
        .must(text(&oidc, "/clientSecret").starts_with('$'), "the client's secret is no reference");
    faults.must(!prod || is("/configs/cm/admin.enabled", json!(false)), "prod: a built-in admin");
    faults.must(is("/configs/cm/users.anonymous.enabled", json!(false)), "anonymous users");
    faults.must(is("/configs/cm/exec.enabled", json!(false)), "shells in pods");
    faults.must(is("/configs/rbac/policy.default", json!("")), "rights for whoever signs in");
    faults.must(is("/configs/params/server.insecure", json!(false)), "no TLS at the server");
    faults.must(is("/global/networkPolicy/create", json!(true)), "no network policies");
    // Programs have tokens of the projects' roles: a local account would not be bound to a project.
    let local = leaves(&values["configs"]["cm"]).iter().any(|key| key.contains("accounts."));
    faults.must(!local, "an account beside the projects' roles");
    for line in text(values, "/configs/rbac/policy.csv").lines() {
        let bound = line.starts_with("g, ") && !line.contains('*');
        faults.must(bound, "a policy that is no group's role");
    }
    faults.restricted(&values["server"]["ingress"]);
    for part in ["server", "controller", "repoServer"] {
        let monitor = format!("/{part}/metrics/serviceMonitor/enabled");
        faults.must(is(&monitor, json!(true)), &format!("{part}: no metrics"));
        let limit = values.pointer(&format!("/{part}/resources/limits/memory"));
        faults.must(limit.is_some(), &format!("{part}: no limit of memory"));
    }
    for part in ["server", "repoServer"] {
        faults.must(!prod || is(&format!("/{part}/replicas"), json!(2)), "prod: a single copy");
    }
    faults.closed(values);
    faults.0
}

fn prometheus(values: &Value, prod: bool) -> Vec<String> {
    let mut faults = Faults(Vec::new());
    let is = |pointer: &str, wanted: Value| values.pointer(pointer) == Some(&wanted);
    let ini = &values["grafana"]["grafana.ini"];
    faults.must(ini["auth.generic_oauth"]["enabled"] == true, "no OIDC");
    faults.must(ini["auth.anonymous"]["enabled"] == false, "anonymous users");
    faults.must(ini["users"]["allow_sign_up"] == false, "sign-up");
    faults.must(!prod || ini["auth"]["disable_login_form"] == true, "prod: a form for passwords");
    let admin = text(values, "/grafana/admin/existingSecret");
    faults.must(!admin.is_empty(), "the chart's own password for Grafana");
    faults.must(is("/grafana/service/type", json!("ClusterIP")), "another service");
    faults.restricted(&values["grafana"]["ingress"]);
    for part in ["prometheus", "alertmanager"] {
        faults.must(is(&format!("/{part}/ingress/enabled"), json!(false)), "no sign-in, and open");
    }
    faults.must(is("/prometheus/prometheusSpec/enableAdminAPI", json!(false)), "the admin API");
    let monitors = "/prometheus/prometheusSpec/serviceMonitorSelectorNilUsesHelmValues";
    faults.must(is(monitors, json!(false)), "monitors of other releases are not seen");
    faults
        .must(!prod || is("/prometheus/prometheusSpec/replicas", json!(2)), "prod: a single copy");
    faults.closed(values);
    faults.0
}

type Check = fn(&Value, bool) -> Vec<String>;
const CHARTS: [(&str, Check); 2] = [("argo-cd", argo_cd), ("kube-prometheus-stack", prometheus)];

#[test]
fn no_admin_oidc_and_no_public_ingress() {
    for (chart, check) in CHARTS {
        for tier in ["dev", "prod"] {
            let values = file(&format!("helm/values/{chart}/{tier}.yaml"));
            assert_eq!(check(&values, tier == "prod"), [""; 0], "{chart} {tier}");
        }
    }
}

#[test]
fn weaker_values_are_seen() {
    let cases: [(usize, &str, Value); 17] = [
        (0, "/configs/cm/admin.enabled", json!(true)),
        (0, "/configs/cm/oidc.config", json!("issuer: http://sso.acme.example")),
        (0, "/configs/cm/users.anonymous.enabled", json!(true)),
        (0, "/configs/rbac/policy.default", json!("role:readonly")),
        (0, "/configs/rbac/policy.csv", json!("p, data-team, applications, *, */*, allow")),
        (0, "/configs/cm", json!({"accounts.ci": "apiKey"})),
        (0, "/configs/params/server.insecure", json!(true)),
        (
            0,
            "/server/ingress/annotations/alb.ingress.kubernetes.io~1scheme",
            json!("internet-facing"),
        ),
        (
            0,
            "/server/ingress/annotations/alb.ingress.kubernetes.io~1inbound-cidrs",
            json!("0.0.0.0/0"),
        ),
        (0, "/server/service/type", json!("LoadBalancer")),
        (0, "/repoServer/metrics/serviceMonitor/enabled", json!(false)),
        (1, "/grafana/admin", json!({"adminPassword": "prom-operator"})),
        (1, "/grafana/grafana.ini/auth.anonymous/enabled", json!(true)),
        (1, "/grafana/grafana.ini/auth/disable_login_form", json!(false)),
        (1, "/grafana/ingress/annotations", json!({})),
        (1, "/prometheus/ingress/enabled", json!(true)),
        (1, "/prometheus/prometheusSpec/enableAdminAPI", json!(true)),
    ];
    for (chart, pointer, value) in cases {
        let (name, check) = CHARTS[chart];
        let prod = file(&format!("helm/values/{name}/prod.yaml"));
        let changed = with(&prod, pointer, value.clone());
        assert!(!check(&changed, true).is_empty(), "{name}: {pointer} = {value} is not seen");
    }
}

#[test]
fn every_key_is_one_of_those_listed() {
    for (chart, _) in CHARTS {
        let listed = file(&format!("helm/values/{chart}/keys.yaml"));
        let names = |list: &str| -> BTreeSet<String> {
            let list = items(&listed, &format!("/{list}"));
            list.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        let (keys, maps) = (names("keys"), names("maps"));
        let mut used = BTreeSet::new();
        for tier in ["dev", "prod"] {
            for leaf in leaves(&file(&format!("helm/values/{chart}/{tier}.yaml"))) {
                let map = maps.iter().find(|map| leaf.starts_with(&format!("{map}.")));
                used.insert(map.cloned().unwrap_or(leaf));
            }
        }
        let all: BTreeSet<String> = keys.union(&maps).cloned().collect();
        assert_eq!(used, all, "{chart}: the keys in use and those listed differ");
    }
}
