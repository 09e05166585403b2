//! Rules for names, each with the specification it was taken from. Pure: no lookup, no I/O.

mod google;

pub use google::{
    cloud_kms_key, gcp_api, gcp_billing_account, gcp_location, gcp_number, gcp_parent, gcp_project,
    gcp_region, gcs_location, gke_cluster, google_label, service_account,
};

/// Why a name is not acceptable, and what is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadName {
    /// What is wrong with it.
    pub why: String,
    /// What would be right.
    pub allowed: String,
}

fn bad(why: impl Into<String>, allowed: &str) -> BadName {
    BadName { why: why.into(), allowed: allowed.to_owned() }
}

const ENVIRONMENT: &str = "1 to 40 of a-z, 0-9 and -, beginning with a letter";

/// Environment names: they become folder names, lock names and chain names.
pub fn environment(name: &str) -> Result<(), BadName> {
    if name.is_empty() {
        return Err(bad("is empty", ENVIRONMENT));
    }
    if !name.is_ascii() {
        return Err(bad("holds a character that is not ASCII", ENVIRONMENT));
    }
    let well_formed = name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if well_formed { Ok(()) } else { Err(bad("is not a name of an environment", ENVIRONMENT)) }
}

const WORKSPACE: &str = "1 to 90 of A-Z, a-z, 0-9, -, _ and ., beginning with a letter or digit";

/// Terraform workspace names, narrower than Terraform's own rule (anything that survives URL escaping).
pub fn workspace(name: &str) -> Result<(), BadName> {
    let well_formed = !name.is_empty()
        && name.len() <= 90
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !name.contains("..");
    if well_formed { Ok(()) } else { Err(bad("is not a name of a workspace", WORKSPACE)) }
}

/// Terraform input variable names (Terraform language, "Identifiers").
pub fn variable(name: &str) -> Result<(), BadName> {
    let well_formed = name.len() <= 128
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if well_formed {
        Ok(())
    } else {
        Err(bad(
            "is not a name of a variable",
            "letters, digits, _ and -, beginning with a letter or _",
        ))
    }
}

/// AWS account ids: twelve digits (AWS Account Management reference).
pub fn aws_account(id: &str) -> Result<(), BadName> {
    if id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit()) {
        Ok(())
    } else {
        Err(bad("is not an AWS account id", "exactly 12 digits, as a string"))
    }
}

/// AWS regions of the commercial partition.
pub fn aws_region(region: &str) -> Result<(), BadName> {
    if super::region::AWS.contains(&region) {
        Ok(())
    } else if super::region::is_other_partition(region) {
        Err(bad("belongs to another AWS partition", "a region of the commercial partition"))
    } else {
        Err(bad("is not an AWS region", "a region of the commercial partition"))
    }
}

const BUCKET: &str = "3 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit, without dots, not xn--… or …-s3alias";

/// S3 bucket names (S3 user guide, "General purpose bucket naming rules"); dots are legal there but break TLS names.
pub fn s3_bucket(name: &str) -> Result<(), BadName> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let well_formed = (3..=63).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && edge(name.chars().next())
        && edge(name.chars().last());
    let reserved = ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|p| name.starts_with(p))
        || ["-s3alias", "--ol-s3"].iter().any(|s| name.ends_with(s));
    if well_formed && !reserved {
        Ok(())
    } else {
        Err(bad("is not a name of an S3 bucket", BUCKET))
    }
}

/// GCS bucket names (Cloud Storage, "Bucket names"); names with dots belong to a verified domain and are left out.
pub fn gcs_bucket(name: &str) -> Result<(), BadName> {
    const GCS: &str =
        "3 to 63 of a-z, 0-9, - and _, beginning and ending with a letter or digit, without goog";
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let well_formed = (3..=63).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
        && edge(name.chars().next())
        && edge(name.chars().last())
        && !name.starts_with("goog")
        && !name.contains("google");
    if well_formed { Ok(()) } else { Err(bad("is not a name of a GCS bucket", GCS)) }
}

/// `DynamoDB` table names (`DynamoDB` API reference, `CreateTable`).
pub fn dynamodb_table(name: &str) -> Result<(), BadName> {
    let well_formed = (3..=255).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if well_formed {
        Ok(())
    } else {
        Err(bad("is not a name of a DynamoDB table", "3 to 255 of A-Z, a-z, 0-9, -, _ and ."))
    }
}

/// ARNs of KMS keys (KMS developer guide, "Key ARN"): Terraform's S3 backend takes no alias.
pub fn kms_key(arn: &str) -> Result<(), BadName> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ok = matches!(parts.as_slice(), ["arn", "aws", "kms", region, account, resource]
    if aws_region(region).is_ok() && aws_account(account).is_ok()
        && resource.strip_prefix("key/").is_some_and(|id| {
            !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        }));
    if ok {
        Ok(())
    } else {
        Err(bad("is not the ARN of a KMS key", "arn:aws:kms:REGION:ACCOUNT:key/ID, no alias"))
    }
}

const UNIT: &str = "an OU, ou-xxxx-xxxxxxxx, or a root, r-xxxx";

/// Roots and organizational units (AWS Organizations reference, patterns of `RootId` and `OrganizationalUnitId`).
pub fn unit(id: &str) -> Result<(), BadName> {
    let part = |text: &str, least: usize| {
        (least..=32).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    let well_formed = match (id.strip_prefix("r-"), id.strip_prefix("ou-")) {
        (Some(root), _) => part(root, 4),
        (None, Some(rest)) => {
            rest.split_once('-').is_some_and(|(root, own)| part(root, 4) && part(own, 8))
        }
        (None, None) => false,
    };
    if well_formed { Ok(()) } else { Err(bad("is not an id of an OU or a root", UNIT)) }
}

/// What stands behind the @ of an account's address (AWS Organizations reference, `CreateAccount`).
pub fn email_domain(domain: &str) -> Result<(), BadName> {
    let edge = |c: char| c == '-' || c == '.';
    let well_formed = domain.contains('.')
        && !domain.contains("..")
        && !domain.starts_with(edge)
        && !domain.ends_with(edge)
        && domain.chars().all(|c| c.is_ascii_alphanumeric() || edge(c));
    if well_formed {
        Ok(())
    } else {
        Err(bad("is not a domain", "letters, digits, - and ., with at least one dot"))
    }
}

const EMAIL: &str = "6 to 64 ASCII characters, NAME@DOMAIN";

/// Addresses of accounts (AWS Organizations reference, `CreateAccount`: rules for a valid email address).
pub fn account_email(email: &str) -> Result<(), BadName> {
    if !email.is_ascii() {
        return Err(bad("holds a character that is not ASCII", EMAIL));
    }
    if !(6..=64).contains(&email.len()) {
        return Err(bad(format!("has {} characters", email.len()), EMAIL));
    }
    let Some((local, domain)) = email.split_once('@').filter(|(_, rest)| !rest.contains('@'))
    else {
        return Err(bad("does not hold exactly one @", EMAIL));
    };
    let wrong = |c: char| {
        c.is_ascii_whitespace() || c.is_ascii_control() || "\"'()<>[]:;,\\|%&".contains(c)
    };
    if local.is_empty() || local.starts_with('.') || local.contains(wrong) {
        return Err(bad("has a name that AWS does not take", EMAIL));
    }
    email_domain(domain).map_err(|_| bad("has a domain that AWS does not take", EMAIL))
}

/// Names of accounts (AWS Organizations reference, pattern of `CreateAccountName`).
pub fn account_name(name: &str) -> Result<(), BadName> {
    let well_formed = (1..=50).contains(&name.len())
        && name.trim() == name
        && name.chars().all(|c| matches!(c, ' '..='~'));
    if well_formed {
        Ok(())
    } else {
        Err(bad(
            "is not a name of an account",
            "1 to 50 printable ASCII characters, without blanks at its ends",
        ))
    }
}

/// Names of roles, narrower than IAM's own rule (IAM reference, "IAM identifiers").
pub fn role(name: &str) -> Result<(), BadName> {
    let well_formed = (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_+.@-".contains(c));
    if well_formed {
        Ok(())
    } else {
        let allowed = "1 to 64 letters, digits and _ + . @ -, beginning with a letter, digit or _";
        Err(bad("is not a name of a role", allowed))
    }
}

/// Key and value of a tag (AWS Organizations reference, `Tag`; `aws:` is AWS's own).
pub fn tag(key: &str, value: &str) -> Result<(), BadName> {
    let chars = |text: &str| {
        text.chars().all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c))
    };
    let own = key.to_ascii_lowercase().starts_with("aws:");
    let good = (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256;
    if good && !own && chars(key) && chars(value) {
        Ok(())
    } else {
        Err(bad(
            "is not a tag",
            "a key of 1 to 128 and a value of up to 256 letters, digits, blanks and _ . : / = + - @; no key begins with aws:",
        ))
    }
}

/// Names of organizations and workspaces of HCP Terraform (API reference, "Organizations", "Workspaces").
pub fn cloud(name: &str) -> Result<(), BadName> {
    let well_formed = (1..=90).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if well_formed {
        Ok(())
    } else {
        Err(bad(
            "is not a name in HCP Terraform",
            "1 to 90 of A-Z, a-z, 0-9, - and _, beginning with a letter or digit",
        ))
    }
}

/// Host names with an optional port (RFC 1123), in lower case.
pub fn host(name: &str) -> Result<(), BadName> {
    let (host, port) = name.split_once(':').map_or((name, None), |(h, p)| (h, Some(p)));
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let ok = host.len() <= 253
        && host.split('.').all(label)
        && port.is_none_or(|p| p.parse::<u16>().is_ok_and(|p| p > 0));
    if ok {
        Ok(())
    } else {
        Err(bad("is not a host", "HOST or HOST:PORT in lower case, without a scheme"))
    }
}

/// ARNs of IAM roles (IAM reference, "IAM ARNs").
pub fn role_arn(arn: &str) -> Result<(), BadName> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ok = matches!(parts.as_slice(), ["arn", "aws", "iam", "", account, resource]
        if aws_account(account).is_ok() && resource.starts_with("role/") && resource.len() > 5);
    if ok {
        Ok(())
    } else {
        Err(bad("is not the ARN of an IAM role", "arn:aws:iam::ACCOUNT:role/NAME"))
    }
}

/// MFA devices as STS is told them (STS reference, `GetSessionToken`: `SerialNumber`): the ARN of a virtual one, the serial
/// number of a hardware one. Security keys and passkeys give no codes.
pub fn mfa_serial(serial: &str) -> Result<(), BadName> {
    const ALLOWED: &str =
        "arn:aws:iam::ACCOUNT:mfa/NAME of a virtual device, or the serial number of a hardware one";
    let parts: Vec<&str> = serial.splitn(6, ':').collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_+=,.@/-".contains(c);
    match parts.as_slice() {
        ["arn", partition, "iam", "", ..] if *partition != "aws" => {
            Err(bad("is of another partition of AWS", ALLOWED))
        }
        ["arn", "aws", "iam", "", account, device]
            if aws_account(account).is_ok()
                && device.len() > 4
                && serial.len() <= 256
                && device.strip_prefix("mfa/").is_some_and(|name| name.chars().all(plain)) =>
        {
            Ok(())
        }
        ["arn", "aws", "iam", "", _, device] if device.starts_with("u2f/") => {
            Err(bad("is a security key or passkey, which gives no codes", ALLOWED))
        }
        [serial]
            if (9..=256).contains(&serial.len())
                && serial.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') =>
        {
            Ok(())
        }
        _ => Err(bad("is not an MFA device", ALLOWED)),
    }
}

const EXTERNAL_ID: &str = "2 to 1224 of A-Z, a-z, 0-9 and _+=,.@:/-";

/// External ids of role trust policies (STS reference, `AssumeRole`).
pub fn external_id(id: &str) -> Result<(), BadName> {
    let well_formed = (2..=1224).contains(&id.len())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c));
    if well_formed { Ok(()) } else { Err(bad("is not an external id", EXTERNAL_ID)) }
}

/// Longest text that is compared with names.
const NEAR_MAX: usize = 200;

/// The listed name that is nearest to `given`, if one is near enough to be meant.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody means a name by so much text, and comparing takes time and memory by its length.
    if given.len() > NEAR_MAX {
        return None;
    }
    let given = given.to_lowercase();
    let longer = |k: &str| k.len() >= 3 && given.len() <= 40 && given.starts_with(k);
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&given, k), k))
        .filter(|(distance, k)| *distance <= 1 + k.len() / 4 || longer(k))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

const EKS_CLUSTER: &str = "1 to 100 of A-Z, a-z, 0-9, - and _, beginning with a letter or digit";

/// EKS cluster names (Amazon EKS API reference, `CreateCluster`).
pub fn eks_cluster(name: &str) -> Result<(), BadName> {
    let well_formed = name.len() <= 100
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if well_formed { Ok(()) } else { Err(bad("is not a name of an EKS cluster", EKS_CLUSTER)) }
}

/// Names of Kubernetes namespaces: DNS labels (Kubernetes, "Object Names and IDs"; RFC 1123).
pub fn namespace(name: &str) -> Result<(), BadName> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let well_formed = name.len() <= 63
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && edge(name.chars().next())
        && edge(name.chars().last());
    if well_formed {
        Ok(())
    } else {
        Err(bad(
            "is not a name of a namespace",
            "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit",
        ))
    }
}

/// Names of Helm releases: DNS labels of at most 53 characters (Helm, "Labels and names").
pub fn release(name: &str) -> Result<(), BadName> {
    if name.len() <= 53 && namespace(name).is_ok() {
        return Ok(());
    }
    Err(bad(
        "is not a name of a release",
        "1 to 53 of a-z, 0-9 and -, beginning and ending with a letter or digit",
    ))
}

const APPLICATION: &str =
    "1 to 63 of a-z, 0-9, - and ., beginning and ending with a letter or digit";

/// Names of applications and projects of Argo CD: DNS subdomains (Kubernetes, "Object Names and IDs"), no longer than a
/// label may be, because Argo CD marks what an application made with its name.
pub fn application(name: &str) -> Result<(), BadName> {
    let well_formed = name.len() <= 63 && name.split('.').all(|part| namespace(part).is_ok());
    if well_formed { Ok(()) } else { Err(bad("is not a name in Argo CD", APPLICATION)) }
}

const REVISION: &str = "a commit, tag or branch: 1 to 200 of A-Z, a-z, 0-9 and ._/+-, beginning with a letter or digit";

/// Revisions of a repository, narrower than git's own rule (git, `check-ref-format`): no expressions, no ranges.
pub fn revision(name: &str) -> Result<(), BadName> {
    let well_formed = name.len() <= 200
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._/+-".contains(c))
        && !name.contains("..")
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with(['.', '-']));
    if well_formed { Ok(()) } else { Err(bad("is not a revision", REVISION)) }
}

const FOLDER: &str = "a path inside of the repository, for instance apps/web";

/// Folders inside of a repository.
pub fn folder(path: &str) -> Result<(), BadName> {
    let part = |part: &str| {
        !matches!(part, "" | "..")
            && !part.starts_with('-')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let plain = path == "." || path.split('/').all(|p| part(p) && p != ".");
    if plain && path.len() <= 200 {
        Ok(())
    } else {
        Err(bad("is not a folder of a repository", FOLDER))
    }
}

const CONTEXT: &str = "1 to 253 of A-Z, a-z, 0-9 and -_.:/@, beginning with a letter or digit";

/// Names of kube contexts, narrower than the kubeconfig's own rule (any text): ARNs and names by other tools pass.
pub fn kube_context(name: &str) -> Result<(), BadName> {
    let well_formed = name.len() <= 253
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@".contains(c));
    if well_formed { Ok(()) } else { Err(bad("is not a name of a kube context", CONTEXT)) }
}

#[cfg(test)]
mod tests;
