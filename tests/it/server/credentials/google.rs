//! A key of a service account: it works, and `preflight` and `doctor` say what is wrong with having one.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use xtask::stubs::Stubs;

use crate::server::site::{MAIN, Site};

const ACCOUNT: &str = "deploy@acme-dev-4711.iam.gserviceaccount.com";

fn with_a_key(stubs: &Stubs) -> Site {
    let site = Site::new();
    site.takes_providers_from_a_mirror();
    site.configure(
        "[tiers.dev]",
        &format!(
            "[gcp]\nendpoint_url = \"{}\"\n[environments.gcp.dev]\ntier = \"dev\"\nproject_id = \"acme-dev-4711\"\n\
             region = \"europe-west1\"\nstate = {{ backend = \"local\", path = \"gcp.tfstate\" }}\n\
             credentials = {{ source = \"file\", path = \"key.json\" }}\n[tiers.dev]",
            stubs.url()
        ),
    );
    site.write("infra/gcp/envs/dev/main.tf", MAIN);
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let key = json!({ "type": "service_account", "client_email": ACCOUNT, "private_key": pair.serialize_pem(),
        "private_key_id": "k1", "token_uri": "https://oauth2.googleapis.com/token" });
    site.write("key.json", &key.to_string());
    std::fs::set_permissions(site.at("key.json"), Permissions::from_mode(0o644)).unwrap();
    site
}

/// The checks of one name: their levels, what was seen, and the fixes.
fn checks<'v>(answer: &'v Value, name: &str) -> Vec<(&'v str, &'v str, &'v str)> {
    let all = answer["checks"].as_array().unwrap().iter().filter(|check| check["name"] == name);
    all.map(|check| ["level", "seen", "fix"].map(|field| check[field].as_str().unwrap_or_default()))
        .map(|[level, seen, fix]| (level, seen, fix))
        .collect()
}

#[test]
fn a_static_key_of_google_works_and_preflight_and_doctor_warn_about_it() {
    let stubs = Stubs::start(&["gcp/person/project"]).unwrap();
    let token =
        json!({ "access_token": "canary-of-a-key", "expires_in": 3600, "token_type": "Bearer" });
    stubs
        .add(json!({
            "request": { "method": "POST", "urlPath": "/oauth2.googleapis.com/token",
                "bodyPatterns": [{ "contains": "jwt-bearer" }] },
            "response": { "status": 200, "jsonBody": token },
        }))
        .unwrap();
    let site = with_a_key(&stubs);
    for words in [vec!["preflight", "--cloud", "gcp", "--env", "dev"], vec!["doctor"]] {
        let (_, answer) = site.json(&words);
        let found = checks(&answer, "gcp/dev credentials");
        let levels: Vec<&str> = found.iter().map(|(level, ..)| *level).collect();
        assert_eq!(levels, ["ok", "warning", "warning"], "{words:?}: {answer:#}");
        let (_, seen, fix) = found[1];
        assert!(seen.contains(&format!("key of service account {ACCOUNT}")), "{seen}");
        assert!(seen.contains("does not end") && fix.contains("then delete the key"), "{fix}");
        assert!(found[2].1.ends_with("can be read by others"), "{found:?}");
        assert_eq!(checks(&answer, "gcp/dev identity")[0].0, "ok", "{answer:#}");
        assert_eq!(checks(&answer, "gcp/dev module")[0].0, "ok", "{answer:#}");
        let all = answer.to_string();
        assert!(!all.contains("PRIVATE KEY") && !all.contains("canary"), "promise 7: {all}");
    }
}
