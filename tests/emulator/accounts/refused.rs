//! What is refused or warned of before AWS is asked for an account.

use serde_json::json;

use super::Site;

#[test]
fn an_ou_or_a_root_that_is_not_of_the_organization_is_refused() {
    let site = Site::new();
    for unit in ["ou-ab12-99999999", "r-zz99"] {
        for dry_run in [true, false] {
            let mut request = site.real();
            request["ou_id"] = json!(unit);
            request["dry_run"] = json!(dry_run);
            let refused = site.call(&request).refused("invalid_request");
            assert_eq!(refused.at("/error/field"), "ou_id", "{:#}", refused.value);
            assert_eq!(refused.at("/error/given"), unit);
            assert!(refused.at("/error/allowed").contains(&site.root), "{:#}", refused.value);
        }
    }
    site.asked(0);
    site.project.lock_is_free();
}

#[test]
fn an_account_that_is_closed_is_refused_and_a_namesake_is_told() {
    let site = Site::new();
    site.call(&site.real()).expect("succeeded");
    let account = site.is_placed();
    let mut namesake = site.request();
    namesake["email"] = json!(format!("two+{}", site.email()));
    let plan = site.call(&namesake).expect("planned");
    let told = format!("account {account} ({}) has this name too", site.email());
    assert!(plan.at("/warnings").contains(&told), "{:#}", plan.value);
    assert!(plan.at("/plan_stdout").contains(&told), "{:#}", plan.value);

    let role = format!("arn:aws:iam::{}:role/management", site.management);
    let management = site.project.lab.emulator().assuming(&role).unwrap();
    let close = json!({ "AccountId": account });
    management.json_call("AWSOrganizationsV20161128.CloseAccount", &close).unwrap();
    for request in [site.request(), site.real()] {
        let refused = site.call(&request).refused("invalid_request");
        assert_eq!(refused.at("/error/field"), "email");
        let message = refused.at("/error/message");
        assert!(message.contains(&account) && message.contains("SUSPENDED"), "{message}");
    }
    site.asked(1);
}

#[test]
fn a_plan_warns_that_the_quota_is_met() {
    let site = Site::new();
    let emulator = site.project.lab.emulator();
    let quota = |accounts: u32| {
        let set = json!({ "account": site.management, "accounts": accounts });
        emulator.control("quotas", &set).unwrap();
        site.call(&site.request()).expect("planned").at("/warnings")
    };
    assert!(!quota(2).contains("quota"));
    let told = quota(1);
    assert!(told.contains("has 1 accounts, and its quota is 1"), "{told}");
    site.asked(0);
}
