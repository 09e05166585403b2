//! How far the objects of a release are, for progress and for `helm_status`.

use super::answer;
use super::prepare::Prepared;
use crate::port::Watch;
use crate::port::releases::readiness;

/// Tells how far the release is; what cannot be asked now is not told.
pub(super) async fn tell(prepared: &Prepared, watch: &dyn Watch) {
    let Ok(told) = prepared.status("asking how far it is", None).await else {
        return;
    };
    let all: Vec<_> = answer::live(&told.info).iter().map(readiness).collect();
    let done = all.iter().filter(|r| r.ready).count();
    let waiting: Vec<String> = all
        .iter()
        .filter(|r| !r.ready)
        .take(5)
        .map(|r| format!("{} ({})", r.name, r.text))
        .collect();
    let message = match waiting.as_slice() {
        [] => format!("{}: {}", prepared.place, told.info.status),
        waiting => format!("waiting for {}", waiting.join(", ")),
    };
    watch.progress(&message, done, all.len()).await;
}
