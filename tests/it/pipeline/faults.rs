//! Ports that fail, lose an answer, or crash at one chosen step, and count the steps.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use datamcp::approval::{ApprovalRecord, ApprovalState, ApprovalStore};
use datamcp::audit::anchor::{Anchor, Head};
use datamcp::audit::event::{EventRecord, NewEvent};
use datamcp::audit::store::{AuditStore, OperationRow, Page, Query};
use datamcp::error::{Error, ErrorCode, Result};
use datamcp::lock::{Acquired, Blocked, Holder, LeaseRecord, LeaseStore};
use datamcp::model::{ApprovalId, Environment, OperationId, PlanId, PlanRecord};
use datamcp::port::runs::Hold;
use datamcp::port::{
    Caller, ChildCredentials, CredentialDesk, DeskGuard, Identity, JournalLine, Launcher, Plans,
    Runs,
};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::Notify;

/// What happens at the chosen step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is not done and says so.
    Fails,
    /// It is done but says that it failed.
    LosesItsAnswer,
    /// From it on the disk is full.
    DiskFull,
    /// The process dies before it.
    CrashesBefore,
    /// The process dies after it.
    CrashesAfter,
}

/// Chooses the step and counts.
#[derive(Default)]
pub(crate) struct Faults {
    chosen: Mutex<Option<(usize, Kind)>>,
    steps: Mutex<Vec<&'static str>>,
    /// Told when the process has to die.
    pub(crate) crash: Notify,
}

impl Faults {
    /// From here on steps are counted anew; the chosen one goes wrong.
    pub(crate) fn arm(&self, chosen: Option<(usize, Kind)>) {
        *self.chosen.lock().unwrap() = chosen;
        self.steps.lock().unwrap().clear();
    }

    /// Steps since then.
    pub(crate) fn steps(&self) -> Vec<&'static str> {
        self.steps.lock().unwrap().clone()
    }

    pub(crate) async fn around<T>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let kind = {
            let mut steps = self.steps.lock().unwrap();
            steps.push(name);
            let chosen = *self.chosen.lock().unwrap();
            let now = steps.len() - 1;
            chosen
                .filter(|(at, kind)| *at == now || (*kind == Kind::DiskFull && *at < now))
                .map(|(_, kind)| kind)
        };
        let broken = || Error::new(ErrorCode::Internal, format!("{name} is broken"));
        match kind {
            None => work.await,
            Some(Kind::Fails) => Err(broken()),
            Some(Kind::DiskFull) => {
                Err(Error::disk_full(name, std::path::Path::new("/state/runs/file")))
            }
            Some(Kind::LosesItsAnswer) => work.await.and_then(|_| Err(broken())),
            Some(Kind::CrashesBefore) => self.die().await,
            Some(Kind::CrashesAfter) => {
                drop(work.await);
                self.die().await
            }
        }
    }

    async fn die<T>(&self) -> T {
        self.crash.notify_one();
        std::future::pending().await
    }
}

/// A port that goes wrong when it is told to.
pub(crate) struct Faulty<T: ?Sized> {
    pub(crate) inner: Arc<T>,
    pub(crate) faults: Arc<Faults>,
}

/// `step` methods count and can go wrong; `look` methods are only passed on.
macro_rules! faulty {
    ($port:path { $($kind:ident $name:ident($($arg:ident: $ty:ty),*) -> $out:ty;)* }) => {
        #[async_trait]
        impl $port for Faulty<dyn $port> {
            $(async fn $name(&self, $($arg: $ty),*) -> Result<$out> {
                faulty!(@$kind self, $name, $($arg),*)
            })*
        }
    };
    (@step $self:ident, $name:ident, $($arg:ident),*) => {
        $self.faults.around(stringify!($name), $self.inner.$name($($arg),*)).await
    };
    (@look $self:ident, $name:ident, $($arg:ident),*) => { $self.inner.$name($($arg),*).await };
}

faulty!(AuditStore {
    step append(event: NewEvent) -> EventRecord;
    look row(id: OperationId) -> Option<OperationRow>;
    look rows(query: &Query) -> Page;
    look by_key(user: &str, key: &str) -> Option<OperationRow>;
    look chains() -> Vec<String>;
    look events(chain: &str, after: u64, limit: usize) -> Vec<EventRecord>;
    look history(id: OperationId) -> Vec<EventRecord>;
    look state(chain: &str, backend: &str, workspace: &str) -> Option<EventRecord>;
});

faulty!(Anchor {
    step put(chain: &str, head: &Head) -> ();
    look heads() -> Vec<(String, Head)>;
});

faulty!(ApprovalStore {
    step request(record: &ApprovalRecord) -> ApprovalRecord;
    look approval(id: ApprovalId) -> Option<ApprovalRecord>;
    step for_plan(plan: PlanId) -> Option<ApprovalRecord>;
    look open(now: Timestamp) -> Vec<ApprovalRecord>;
    step decide(id: ApprovalId, state: &ApprovalState) -> bool;
    step spend(id: ApprovalId, operation: OperationId) -> bool;
});

faulty!(LeaseStore {
    step acquire(key: &str, holder: &Holder) -> Acquired;
    step check(key: &str, operation: OperationId, fence: u64) -> ();
    step release(key: &str, operation: OperationId, fence: u64) -> ();
    step clear(key: &str, operation: OperationId) -> ();
    step block(key: &str, blocked: &Blocked) -> ();
    step unblock(key: &str, operation: OperationId) -> ();
    look lease(key: &str) -> Option<LeaseRecord>;
    look leases() -> Vec<(String, LeaseRecord)>;
});

faulty!(Plans {
    step put(record: &PlanRecord, file: &[u8]) -> ();
    step record(id: PlanId) -> Option<PlanRecord>;
    step file(id: PlanId) -> Vec<u8>;
    step burn(id: PlanId) -> ();
    look sweep(now: Timestamp) -> usize;
    step keep_variables(place: &str, variables: &Map<String, Value>) -> ();
    step kept_variables(place: &str) -> Option<Map<String, Value>>;
    step keep_backend(place: &str, identity: &str) -> ();
    step kept_backend(place: &str) -> Option<String>;
});

faulty!(Runs {
    step create(id: OperationId, run_file: &Value) -> ();
    look run_file(id: OperationId) -> Option<Value>;
    step hold(id: OperationId) -> Option<Box<dyn Hold>>;
    look is_held(id: OperationId) -> bool;
    step note(id: OperationId, line: &JournalLine) -> ();
    look note_lazily(id: OperationId, line: &JournalLine) -> ();
    look journal(id: OperationId, offset: u64) -> (Vec<JournalLine>, u64);
    step log(id: OperationId, text: &str) -> ();
    look read_log(id: OperationId, offset: u64, limit: usize) -> (String, u64);
    step put_result(id: OperationId, result: &Value) -> ();
    look result(id: OperationId) -> Option<Value>;
    look request_cancel(id: OperationId, by: &str) -> bool;
    look cancel_requested(id: OperationId) -> Option<String>;
    step scratch(id: OperationId) -> PathBuf;
    look scratch_size(id: OperationId, name: &str) -> Option<u64>;
    step close_scratch(id: OperationId, keep: &[&str]) -> Vec<String>;
    look forget(id: OperationId) -> ();
    look sweep(before: Timestamp) -> usize;
});

faulty!(Identity {
    step caller(environment: &Environment, session: &str) -> Caller;
    look origin(environment: &Environment, session: &str) -> datamcp::port::Origin;
    look credentials(environment: &Environment, session: &str) -> ChildCredentials;
});

faulty!(CredentialDesk { step open(operation: OperationId, environment: &Environment) -> DeskGuard; });

faulty!(Launcher { step launch(operation: OperationId) -> (); });
