//! Identifiers: `UUIDv7` behind one newtype a role, so that an approval is never taken for a plan.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock;

/// Text that is not an identifier of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier")]
pub struct NotAnId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(transparent)]
        pub struct $name(#[schemars(with = "String")] Uuid);

        impl $name {
            /// A fresh one.
            pub fn fresh() -> Self {
                Self(clock::fresh_uuid())
            }

            /// When it was made, to the millisecond: the first part of a `UUIDv7` (RFC 9562, 5.7). `None` for other UUIDs.
            pub fn time(self) -> Option<jiff::Timestamp> {
                let (seconds, nanoseconds) = self.0.get_timestamp()?.to_unix();
                jiff::Timestamp::new(seconds.try_into().ok()?, nanoseconds.try_into().ok()?).ok()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            /// Only the canonical form counts (36 characters, lower case): one id, one spelling.
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let id = Uuid::try_parse(text).map_err(|_| NotAnId)?;
                if id.hyphenated().to_string() == text { Ok(Self(id)) } else { Err(NotAnId) }
            }
        }
    };
}

id! {
    /// One attempt to do something; the key of the operations log.
    OperationId
}
id! {
    /// A computed change that is kept and may be carried out once.
    PlanId
}
id! {
    /// A request for a person's decision about one plan.
    ApprovalId
}
