//! The application's dashboard: it asks only for metrics that there are, of the release it is about.

use std::collections::BTreeSet;

use serde_json::Value;
use xtask::manifest::{items, text};

use super::file;

/// What the application, kube-state-metrics and the kubelet tell.
const METRICS: [&str; 9] = [
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "http_request_duration_seconds_bucket",
    "http_requests_total",
    "kube_deployment_spec_replicas",
    "kube_deployment_status_replicas_ready",
    "kube_pod_container_resource_limits",
    "kube_pod_container_resource_requests",
    "kube_pod_container_status_restarts_total",
];

/// The names in front of a selector.
fn metrics(expression: &str) -> BTreeSet<&str> {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let before = expression.split('{').rev().skip(1);
    before.filter_map(|text| text.rsplit(|c| !name(c)).next()).collect()
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let dashboard: Value = file("helm/charts/example-data-app/files/dashboard.json");
    let panels = items(&dashboard, "/panels");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut asked = BTreeSet::new();
    for target in panels.iter().flat_map(|panel| items(panel, "/targets")) {
        let expression = text(target, "/expr");
        let names = metrics(expression);
        assert!(!names.is_empty(), "{expression}");
        assert_eq!(expression.matches("namespace=\"$namespace\"").count(), names_in(expression));
        assert_eq!(text(target, "/datasource/uid"), "${datasource}");
        asked.extend(names);
    }
    assert_eq!(asked, METRICS.into());
    for panel in panels {
        assert!(text(panel, "/description").ends_with('.'), "{}", text(panel, "/title"));
    }
}

/// How many selectors an expression has.
fn names_in(expression: &str) -> usize {
    expression.matches('{').count()
}

#[test]
fn names_are_found_in_front_of_selectors() {
    let expression = "sum(rate(a_total{x=\"1\"}[5m])) / b{y=\"2\"}";
    assert_eq!(metrics(expression), ["a_total", "b"].into());
}
