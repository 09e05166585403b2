//! Names in Google Cloud.

use super::{BadName, bad, namespace};

const PROJECT: &str = "6 to 30 of a-z, 0-9 and -, beginning with a letter and not ending with -, for instance acme-dev-4711";

/// Project ids (Resource Manager API reference, `Project.projectId`).
pub fn gcp_project(id: &str) -> Result<(), BadName> {
    let well_formed = (6..=30).contains(&id.len())
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && !id.ends_with('-')
        && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if well_formed { Ok(()) } else { Err(bad("is not a project id of Google Cloud", PROJECT)) }
}

/// Regions (Compute Engine, "Regions and zones"): a part of the world, a direction, a number. New ones fit, too.
pub fn gcp_region(name: &str) -> Result<(), BadName> {
    const WORLD: [&str; 8] =
        ["africa", "asia", "australia", "europe", "me", "northamerica", "southamerica", "us"];
    const DIRECTION: [&str; 9] = [
        "central",
        "east",
        "north",
        "northeast",
        "northwest",
        "south",
        "southeast",
        "southwest",
        "west",
    ];
    let fits = name.split_once('-').is_some_and(|(world, rest)| {
        let direction = rest.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = rest.len() - direction.len();
        WORLD.contains(&world) && DIRECTION.contains(&direction) && (1..=2).contains(&number)
    });
    if fits {
        Ok(())
    } else {
        Err(bad("is not a region of Google Cloud", "a region, for instance europe-west1"))
    }
}

/// Regions and zones: where a cluster of GKE may be.
pub fn gcp_location(name: &str) -> Result<(), BadName> {
    let region = match name.rsplit_once('-') {
        Some((region, zone)) if zone.len() == 1 && zone.bytes().all(|b| b.is_ascii_lowercase()) => {
            region
        }
        _ => name,
    };
    gcp_region(region).map_err(|_| {
        bad(
            "is not a location of Google Cloud",
            "a region or a zone, for instance europe-west1 or europe-west1-b",
        )
    })
}

/// Numbers of organizations, folders and projects.
pub fn gcp_number(number: &str) -> Result<(), BadName> {
    let digits = (1..=20).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    if digits && !number.starts_with('0') {
        Ok(())
    } else {
        Err(bad("is not a number of Google Cloud", "digits, for instance 415104041262"))
    }
}

/// What projects are made in (Resource Manager reference, `Project.parent`).
pub fn gcp_parent(name: &str) -> Result<(), BadName> {
    let number = name.strip_prefix("organizations/").or_else(|| name.strip_prefix("folders/"));
    if number.is_some_and(|number| gcp_number(number).is_ok()) {
        return Ok(());
    }
    Err(bad("is neither an organization nor a folder", "organizations/NUMBER or folders/NUMBER"))
}

/// Ids of billing accounts (Cloud Billing reference, `BillingAccount.name`).
pub fn gcp_billing_account(id: &str) -> Result<(), BadName> {
    let hexadecimal = |c: char| c.is_ascii_digit() || ('A'..='F').contains(&c);
    let groups: Vec<&str> = id.split('-').collect();
    if groups.len() == 3 && groups.iter().all(|g| g.len() == 6 && g.chars().all(hexadecimal)) {
        return Ok(());
    }
    Err(bad(
        "is not an id of a billing account",
        "three groups of six hexadecimal digits in upper case, for instance 012345-6789AB-CDEF01",
    ))
}

/// Names of APIs (Service Usage reference, `services`).
pub fn gcp_api(name: &str) -> Result<(), BadName> {
    let label = |text: &str| {
        !text.is_empty()
            && !text.starts_with('-')
            && !text.ends_with('-')
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    if name.len() <= 100 && name.contains('.') && name.split('.').all(label) {
        return Ok(());
    }
    Err(bad("is not the name of an API", "a name like container.googleapis.com"))
}

/// Where a bucket may be: a region, or a name that stands for several (Cloud Storage, "Bucket locations").
pub fn gcs_location(name: &str) -> Result<(), BadName> {
    const SEVERAL: [&str; 9] =
        ["ASIA", "EU", "US", "ASIA1", "EUR4", "EUR5", "EUR7", "EUR8", "NAM4"];
    if SEVERAL.contains(&name) || gcp_region(name).is_ok() {
        return Ok(());
    }
    let allowed = "a region, for instance europe-west1, or one of ASIA, EU, US, ASIA1, EUR4, EUR5, EUR7, EUR8, NAM4";
    Err(bad("is not a location of a bucket", allowed))
}

/// Keys of Cloud KMS (Cloud KMS, "Resource hierarchy"). The answer is the key's location.
pub fn cloud_kms_key(name: &str) -> Result<&str, BadName> {
    let plain = |part: &str| {
        (1..=63).contains(&part.len())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        ["projects", project, "locations", location, "keyRings", ring, "cryptoKeys", key]
            if gcp_project(project).is_ok() && plain(location) && plain(ring) && plain(key) =>
        {
            Ok(location)
        }
        _ => Err(bad(
            "is not a key of Cloud KMS",
            "projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY, no version",
        )),
    }
}

/// Labels ("Labels overview", Resource Manager).
pub fn google_label(key: &str, value: &str) -> Result<(), BadName> {
    let plain = |text: &str| {
        text.len() <= 63
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
    };
    if key.starts_with(|c: char| c.is_ascii_lowercase()) && plain(key) && plain(value) {
        Ok(())
    } else {
        Err(bad(
            "is not a label",
            "1 to 63 of a-z, 0-9, - and _, beginning with a letter; the value at most 63 of these",
        ))
    }
}

/// Addresses of service accounts (IAM, "Types of service accounts").
pub fn service_account(email: &str) -> Result<(), BadName> {
    let fits = email.split_once('@').is_some_and(|(account, host)| {
        let labels = host.strip_suffix(".gserviceaccount.com");
        namespace(account).is_ok()
            && labels.is_some_and(|labels| labels.split('.').all(|l| namespace(l).is_ok()))
    });
    if fits {
        Ok(())
    } else {
        Err(bad("is not a service account", "NAME@PROJECT.iam.gserviceaccount.com"))
    }
}

/// Names of clusters of GKE (Kubernetes Engine API reference, `Cluster.name`).
pub fn gke_cluster(name: &str) -> Result<(), BadName> {
    let well_formed = name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && namespace(name).is_ok();
    if well_formed {
        Ok(())
    } else {
        Err(bad(
            "is not a name of a GKE cluster",
            "1 to 40 of a-z, 0-9 and -, beginning with a letter and not ending with -",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_input_65_project_ids() {
        for good in ["acme-dev-4711", "abcdef", &"a".repeat(30)] {
            gcp_project(good).unwrap();
        }
        let long = "a".repeat(31);
        for wrong in [
            "My Project",
            "acme",
            "Acme-dev",
            "acme-dev-",
            "1cme-dev",
            "acme_dev",
            "acme.com:dev",
            "",
            &long,
        ] {
            let error = gcp_project(wrong).unwrap_err();
            assert!(error.allowed.starts_with("6 to 30"), "{wrong}");
        }
    }

    #[test]
    fn regions_zones_and_what_is_neither() {
        for good in ["europe-west1", "us-central1", "me-west1", "northamerica-northeast2"] {
            gcp_region(good).unwrap();
            gcp_location(good).unwrap();
            gcp_location(&format!("{good}-b")).unwrap();
            gcp_region(&format!("{good}-b")).unwrap_err();
        }
        for wrong in
            ["eu-west-1", "europe-wset1", "us-central", "us-central1-", "", "-", "us-east1-bb"]
        {
            gcp_location(wrong).unwrap_err();
        }
    }

    #[test]
    fn bad_input_68_clusters_and_accounts() {
        gke_cluster("acme-dev").unwrap();
        for wrong in ["acme/dev", "Acme", "1acme", "acme-", "", &"a".repeat(41)] {
            gke_cluster(wrong).unwrap_err();
        }
        for good in [
            "deploy@acme-dev-4711.iam.gserviceaccount.com",
            "12-compute@developer.gserviceaccount.com",
        ] {
            service_account(good).unwrap();
        }
        for wrong in [
            "me@example.com",
            "deploy",
            "--flag@x.iam.gserviceaccount.com",
            "a@.gserviceaccount.com",
            "a/b@c.iam.gserviceaccount.com",
        ] {
            service_account(wrong).unwrap_err();
        }
    }
}
