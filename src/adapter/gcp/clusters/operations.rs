//! What Google does to a cluster, or could not do last: operations of the Kubernetes Engine API, v1. They are its own kind,
//! not those of other APIs, and are listed with the clusters.

use serde::Deserialize;
use serde_json::{Number, Value};

use crate::port::ClusterOperation;

/// Longest text of Google's that is told.
const TOLD_MAX: usize = 300;
/// Measures that are told.
const METRICS_MAX: usize = 4;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Operations {
    operations: Vec<Operation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Operation {
    name: String,
    #[serde(rename = "operationType")]
    kind: String,
    status: String,
    start_time: String,
    end_time: String,
    target_link: String,
    detail: String,
    progress: Progress,
    error: Option<Status>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Progress {
    status: String,
    metrics: Vec<Metric>,
    stages: Vec<Progress>,
}

/// One of three values is there.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metric {
    name: String,
    int_value: Value,
    double_value: Option<Number>,
    string_value: Option<String>,
}

/// The answer's form for what went wrong (`google.rpc.Status`).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    code: i32,
    message: String,
}

impl Operations {
    /// What is done to this cluster now; after it what was done last, if that failed.
    pub(super) fn of(self, cluster: &str) -> Vec<ClusterOperation> {
        let of_cluster = |o: &Operation| {
            let rest = o.target_link.split_once("/clusters/").map(|(_, rest)| rest);
            rest.is_some_and(|rest| rest.split('/').next() == Some(cluster))
        };
        let ours = self.operations.into_iter().filter(of_cluster);
        let (ended, running): (Vec<_>, Vec<_>) = ours.partition(|o| o.status == "DONE");
        let last = ended.into_iter().max_by(|a, b| a.end_time.cmp(&b.end_time));
        let failed = last.filter(|o| o.error.as_ref().is_some_and(|e| e.code != 0));
        running.into_iter().chain(failed).map(Operation::told).collect()
    }
}

impl Operation {
    fn told(self) -> ClusterOperation {
        let progress = Some(self.progress.words(&self.detail)).filter(|words| !words.is_empty());
        let error = self.error.filter(|e| e.code != 0).map(|e| plain(&e.message));
        ClusterOperation { id: self.name, kind: self.kind, since: self.start_time, progress, error }
    }
}

impl Progress {
    /// Stages that are done, measures, and what Google says besides.
    fn words(&self, detail: &str) -> String {
        let done = self.stages.iter().filter(|stage| stage.status == "DONE").count();
        let stages = (!self.stages.is_empty())
            .then(|| format!("{done} of {} stages done", self.stages.len()));
        let measures = self.metrics.iter().take(METRICS_MAX).filter_map(Metric::words);
        let detail = Some(plain(detail)).filter(|text| !text.is_empty());
        stages.into_iter().chain(measures).chain(detail).collect::<Vec<_>>().join(", ")
    }
}

impl Metric {
    fn words(&self) -> Option<String> {
        let value = match (&self.int_value, &self.double_value, &self.string_value) {
            // A number of 64 bits is a text in Google's JSON.
            (Value::String(text), ..) => plain(text),
            (Value::Number(number), ..) | (_, Some(number), _) => number.to_string(),
            (.., Some(text)) => plain(text),
            _ => return None,
        };
        Some(format!("{} {value}", plain(&self.name)))
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TOLD_MAX).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(operations: &Value) -> Vec<ClusterOperation> {
        let listed = json!({ "operations": operations });
        serde_json::from_value::<Operations>(listed).unwrap().of("acme")
    }

    fn operation(more: &Value) -> Value {
        let mut operation = json!({
            "name": "operation-1", "operationType": "CREATE_CLUSTER", "status": "RUNNING",
            "startTime": "2026-01-01T00:00:00Z",
            "targetLink": "https://container.googleapis.com/v1/projects/1/locations/l/clusters/acme",
        });
        for (name, value) in more.as_object().unwrap() {
            operation[name] = value.clone();
        }
        operation
    }

    #[test]
    fn how_far_it_is_is_told_in_stages_and_measures() {
        let progress = json!({ "stages": [{ "status": "DONE" }, { "status": "RUNNING" }],
            "metrics": [{ "name": "nodes done", "intValue": "4" }, { "name": "progress", "doubleValue": 0.5 },
                { "name": "bar", "stringValue": "##\u{1b}[1m" }, { "name": "empty" }] });
        let found = read(&json!([operation(&json!({ "progress": progress, "detail": "nodes" }))]));
        let told = "1 of 2 stages done, nodes done 4, progress 0.5, bar ##[1m, nodes";
        assert_eq!(found[0].progress.as_deref(), Some(told));
        assert_eq!(read(&json!([operation(&json!({}))]))[0].progress, None);
    }

    #[test]
    fn of_what_has_ended_only_the_last_is_told_and_only_if_it_failed() {
        let ended = |name: &str, at: &str, error: Value| {
            operation(&json!({ "name": name, "status": "DONE", "endTime": at, "error": error }))
        };
        let broken = || json!({ "code": 8, "message": "no more addresses" });
        let good = ended("b", "2026-01-03T00:00:00Z", Value::Null);
        let bad = ended("a", "2026-01-02T00:00:00Z", broken());
        assert_eq!(read(&json!([bad, good])), []);
        let found = read(&json!([good, ended("c", "2026-01-04T00:00:00Z", broken()), bad]));
        assert_eq!((found.len(), found[0].id.as_str()), (1, "c"));
        assert_eq!(found[0].error.as_deref(), Some("no more addresses"));
    }
}
