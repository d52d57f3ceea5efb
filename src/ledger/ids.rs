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
    /// The row number of an Amazon Payments account.
    AccountNumber;
    /// The row number of a token.
    TokenNumber;
    /// The row number of a credit or prepaid instrument.
    InstrumentNumber;
    /// The row number of a transaction. Later transactions have larger numbers.
    TransactionNumber;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($length:literal);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as it is written in requests and answers: opaque and case-sensitive.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether the id has the form of ids that FPS issued: upper-case letters and digits, of the right
            /// length.
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
    /// The id of a payment token: 64 characters if FPS issued it.
    TokenId(64);
    /// The id of a credit or prepaid instrument: 64 characters if FPS issued it, up to 128 bytes in requests.
    InstrumentId(64);
    /// The id of a subscription. The form of these ids is not known, so every form is accepted.
    SubscriptionId(64);
    /// The id of a transaction: 35 characters if FPS issued it. The ids of FPS begin with digits that grow with time.
    TransactionId(35);
}
