//! Bad inputs of names: the numbers are those of the project's list of bad inputs.

use super::*;

#[test]
fn bad_inputs_1_to_7_environment_names() {
    for (number, name) in [
        (1, ""),
        (2, "prod "),
        (3, "../prod"),
        (4, "prod\n"),
        (5, "-destroy"),
        (6, "\u{440}rod"),
        (7, &"x".repeat(300)),
    ] {
        assert!(environment(name).is_err(), "bad input {number}: {name:?}");
    }
    assert!(environment("prod").is_ok());
    assert_eq!(nearest("prod ", ["dev", "prod"]), Some("prod"));
}

#[test]
fn bad_input_46_workspace_leaves_its_folder() {
    for name in ["../../x", "", "a/b", "-out=x", "a..b"] {
        assert!(workspace(name).is_err(), "{name:?}");
    }
    assert!(workspace("default").is_ok());
}

#[test]
fn bad_inputs_60_to_63_and_66_aws_names() {
    assert!(aws_region("us-esat-1").is_err());
    assert_eq!(nearest("us-esat-1", super::super::region::AWS), Some("us-east-1"));
    assert!(aws_region("cn-north-1").unwrap_err().why.contains("partition"));
    assert!(aws_account("12345678901").is_err());
    assert!(role_arn("arn:aws:s3:::bucket").is_err());
    assert!(role_arn("arn:aws:iam::123456789012:role/datamcp").is_ok());
    for bucket in ["My_Bucket", "ab", "xn--bucket", "a.b.c"] {
        assert!(s3_bucket(bucket).is_err(), "{bucket}");
    }
    assert!(s3_bucket("acme-dev-tfstate").is_ok());
}

#[test]
fn bad_inputs_61_and_63_mfa_devices() {
    for serial in [
        "arn:aws:iam::123456789012:mfa/alice",
        "GAHT12345678",
        "arn:aws:iam::123456789012:mfa/a/b@c",
    ] {
        assert!(mfa_serial(serial).is_ok(), "{serial}");
    }
    for (serial, why) in [
        ("arn:aws-us-gov:iam::123456789012:mfa/alice", "another partition"),
        ("arn:aws:iam::123456789012:u2f/user/alice/key", "security key"),
        ("arn:aws:iam::12345:mfa/alice", "not an MFA device"),
        ("arn:aws:iam::123456789012:mfa/", "not an MFA device"),
        ("arn:aws:iam::123456789012:mfa/a b", "not an MFA device"),
        ("GAHT", "not an MFA device"),
        ("GAHT 1234 5678", "not an MFA device"),
        ("", "not an MFA device"),
    ] {
        assert!(mfa_serial(serial).unwrap_err().why.contains(why), "{serial}");
    }
}
