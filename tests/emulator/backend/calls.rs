//! Cut off at every single call, of S3 and of `DynamoDB`: the next run completes it. With everything that settings can ask
//! for: over TLS, with a lock table and a key of KMS.

use serde_json::{Value, json};

use super::tls::over_tls;
use super::{KMS_KEY, bootstrap, exists, project, state};
use crate::harness::Project;

/// A project, and a bucket and a table of one name that nobody else has.
struct Rig {
    project: Project,
    name: String,
}

impl Rig {
    fn new() -> Self {
        let (mut project, name) = project();
        over_tls(&mut project, true);
        let more = format!(", lock_table = \"{name}\", kms_key = \"{KMS_KEY}\"");
        project.set(|s| s.state = state(&name, &more));
        Self { project, name }
    }

    /// Tells what is to be cut off; answers with the calls since it was told last.
    fn cut(&self, how: &Value) -> Vec<String> {
        let mut how = how.clone();
        how["bucket"] = json!(self.name);
        how["table"] = json!(self.name);
        let told = self.project.lab.emulator().control("s3_faults", &how).unwrap();
        serde_json::from_value(told["calls"].clone()).unwrap()
    }

    fn table(&self) -> Option<Value> {
        let asked = json!({ "TableName": self.name });
        let answer = self.project.lab.emulator().dynamodb("DescribeTable", &asked).ok()?;
        Some(answer["Table"].clone())
    }

    /// Neither bucket nor table.
    fn nothing(&self) {
        let emulator = self.project.lab.emulator();
        if exists(&self.project, &self.name) {
            emulator.delete_bucket(&self.name).unwrap();
        }
        if self.table().is_some() {
            let off = json!({ "TableName": self.name, "DeletionProtectionEnabled": false });
            emulator.dynamodb("UpdateTable", &off).unwrap();
            emulator.dynamodb("DeleteTable", &json!({ "TableName": self.name })).unwrap();
        }
    }

    /// Both, made by somebody who set nothing.
    fn bare(&self) {
        self.nothing();
        let emulator = self.project.lab.emulator();
        emulator.create_versioned_bucket(&self.name).unwrap();
        emulator.suspend_versioning(&self.name).unwrap();
        let table = json!({
            "TableName": self.name, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "LockID", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "LockID", "AttributeType": "S" }],
        });
        emulator.dynamodb("CreateTable", &table).unwrap();
    }

    /// Fails unless both are there as settings want them, by what the emulator says of them.
    #[track_caller]
    fn is_whole(&self, when: &str) {
        let emulator = self.project.lab.emulator();
        for (setting, wanted) in [
            ("ownershipControls", vec!["BucketOwnerEnforced"]),
            (
                "publicAccessBlock",
                vec![
                    "<BlockPublicAcls>true",
                    "<IgnorePublicAcls>true",
                    "<BlockPublicPolicy>true",
                    "<RestrictPublicBuckets>true",
                ],
            ),
            ("encryption", vec!["aws:kms", KMS_KEY]),
            ("versioning", vec!["<Status>Enabled"]),
            ("lifecycle", vec!["datamcp-state", "<NoncurrentDays>90", "<Status>Enabled"]),
            ("policy", vec!["aws:SecureTransport", "datamcp-state"]),
        ] {
            let seen = emulator.setting_of_bucket(&self.name, setting).unwrap();
            let seen = seen.unwrap_or_else(|| panic!("{when}: no {setting}"));
            for wanted in wanted {
                assert!(seen.contains(wanted), "{when}: {setting}: {wanted}: {seen}");
            }
        }
        let table = self.table().unwrap_or_else(|| panic!("{when}: no table"));
        assert_eq!(table["DeletionProtectionEnabled"], true, "{when}: {table:#}");
        assert_eq!(table["SSEDescription"]["KMSMasterKeyArn"], KMS_KEY, "{when}: {table:#}");
    }
}

fn is_change(call: &str) -> bool {
    !["GET", "HEAD", "DescribeTable"].iter().any(|look| call.starts_with(look))
}

/// Call after call is the first that is not answered, until one run meets none.
fn cut_everywhere(prepare: impl Fn(&Rig), changes: usize) {
    let rig = Rig::new();
    for done in [false, true] {
        let mut cut = 0;
        loop {
            cut += 1;
            let when = format!("call {cut}, done {done}");
            prepare(&rig);
            rig.cut(&json!({ "cut": cut, "done": done }));
            let first = bootstrap(&rig.project, false);
            let sent = rig.cut(&json!({ "cut": 0 }));
            let sent = sent.iter().filter(|call| !done || is_change(call)).count();
            if sent < cut {
                first.expect("succeeded");
                rig.is_whole(&when);
                break;
            }
            assert!(
                ["failed", "partial"].contains(&first.status().as_str()),
                "{when}: {:#}",
                first.value
            );
            assert_ne!(first.code, Some(0), "{when}");
            rig.project.lock_is_free();
            bootstrap(&rig.project, false).expect("succeeded");
            rig.is_whole(&when);
        }
        // The last run met none. Beside its changes it looks, twice at everything.
        let met = cut - 1;
        assert!(if done { met == changes } else { met > changes + 4 }, "{met} calls");
    }
    rig.project.log_is_whole();
}

#[test]
fn fault_34_cut_off_at_every_call_of_the_making_the_next_run_completes_it() {
    // Bucket, its six settings, the table: protection and key are given with it.
    cut_everywhere(Rig::nothing, 8);
}

#[test]
fn fault_34_cut_off_at_every_call_of_the_mending_the_next_run_completes_it() {
    // Six settings of the bucket, two of the table.
    cut_everywhere(Rig::bare, 8);
}

#[test]
fn fault_34_an_answer_that_is_lost_once_is_asked_for_again_and_finds_what_was_made() {
    let rig = Rig::new();
    for change in 1..=8 {
        rig.nothing();
        rig.cut(&json!({ "cut": change, "done": true, "times": 1 }));
        bootstrap(&rig.project, false).expect("succeeded");
        let calls = rig.cut(&json!({ "cut": 0 }));
        let changes = calls.iter().filter(|call| is_change(call)).count();
        assert_eq!(changes, 9, "change {change} was asked for twice: {calls:?}");
        rig.is_whole(&format!("change {change}"));
    }
    rig.project.log_is_whole();
}
