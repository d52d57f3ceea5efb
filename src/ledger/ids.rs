//! Typed ids and row numbers, so that ids of different kinds cannot be mixed up.

use std::fmt;
use std::sync::Arc;

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);
    )*};
}

numbers! {
    /// An Amazon Payments account.
    AccountNumber;
    /// A token's row.
    TokenNumber;
    /// A credit instrument's row.
    InstrumentNumber;
    /// A transaction's row; grows with time.
    TransactionNumber;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($length:literal);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as it stands on the wire: opaque and case-sensitive.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether it has the form of ids that FPS issued: upper-case letters and digits, of the right length.
            pub fn has_fps_form(&self) -> bool {
                self.0.len() == $length && self.0.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A payment token's id: 64 characters when FPS issued it.
    TokenId(64);
    /// A credit instrument's id: 64 characters when FPS issued it, up to 128 bytes in requests.
    InstrumentId(64);
    /// A subscription's id. Its form is not known, so every form is accepted.
    SubscriptionId(64);
    /// A transaction's id: 35 characters that begin with digits growing with time.
    TransactionId(35);
}
