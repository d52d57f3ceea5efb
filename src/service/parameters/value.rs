//! The types in which handlers read parameters.

use std::borrow::Cow;

use rust_decimal::Decimal;

use crate::error::FpsError;
use crate::ledger::Named as _;
use crate::ledger::{
    Amount, ChargeFeeTo, CsOwner, InstrumentId, MarketplaceRefundPolicy, Operation, ParseAmountError,
    PaymentMethod, Role, SoftDescriptorType, Status, SubscriptionId, Timestamp, TokenId, TokenType,
    TransactionId, decimal_number, whole_number,
};
use crate::service::timestamp;

use super::error::not_listed_as_required;
use super::{Parameter, ParameterKind, ParameterReader};

/// A type of a single value, such as an amount or a token id.
pub trait ParameterValue: Sized {
    /// Parses a value that is not empty. The error is the rule that the value breaks, such as
    /// `has to be a percentage, such as 2.5`.
    fn parse(text: &str, kind: ParameterKind) -> Result<Self, String>;

    /// The text that represents the value in the request's digest: the same for equal values.
    fn canonical_text(&self) -> Cow<'_, str>;
}

/// A type in which a handler can read a parameter: a value, an optional value, or a list of values.
pub trait FromParameter: Sized {
    /// Reads the parameter from the request.
    fn from_parameter(reader: &mut ParameterReader<'_>, parameter: &Parameter) -> Result<Self, FpsError>;
}

/// Required parameters, and parameters with a default, are read as a value.
impl<T: ParameterValue> FromParameter for T {
    fn from_parameter(reader: &mut ParameterReader<'_>, parameter: &Parameter) -> Result<Self, FpsError> {
        reader.read_value(parameter)?.ok_or_else(|| not_listed_as_required(parameter.name))
    }
}

/// Optional parameters are read as an optional value.
impl<T: ParameterValue> FromParameter for Option<T> {
    fn from_parameter(reader: &mut ParameterReader<'_>, parameter: &Parameter) -> Result<Self, FpsError> {
        reader.read_value(parameter)
    }
}

/// Lists are read as their items, in the order of their names.
impl<T: ParameterValue> FromParameter for Vec<T> {
    fn from_parameter(reader: &mut ParameterReader<'_>, parameter: &Parameter) -> Result<Self, FpsError> {
        reader.read_list(parameter)
    }
}

impl ParameterValue for Amount {
    fn parse(text: &str, kind: ParameterKind) -> Result<Self, String> {
        Self::parse(text).map_err(|error| match error {
            ParseAmountError::NotANumber => kind.rule(),
            ParseAmountError::TooPrecise => "can not have more than two decimals".to_owned(),
        })
    }

    fn canonical_text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

impl ParameterValue for Decimal {
    fn parse(text: &str, kind: ParameterKind) -> Result<Self, String> {
        let percent = decimal_number(text);
        let percent = percent.filter(|percent| (Self::ZERO..=Self::ONE_HUNDRED).contains(percent));
        percent.ok_or_else(|| kind.rule())
    }

    fn canonical_text(&self) -> Cow<'_, str> {
        self.normalize().to_string().into()
    }
}

impl ParameterValue for u32 {
    fn parse(text: &str, kind: ParameterKind) -> Result<Self, String> {
        let is_in_range = |number: &Self| match kind {
            ParameterKind::Number(min, max) => (min..=max).contains(number),
            _ => true,
        };
        whole_number(text).filter(is_in_range).ok_or_else(|| kind.rule())
    }

    fn canonical_text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

impl ParameterValue for Timestamp {
    fn parse(text: &str, kind: ParameterKind) -> Result<Self, String> {
        timestamp::parse(text).ok_or_else(|| kind.rule())
    }

    fn canonical_text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }
}

/// One of the names of a [`ParameterKind::OneOf`], where no enumeration exists for them.
impl ParameterValue for &'static str {
    fn parse(text: &str, kind: ParameterKind) -> Result<Self, String> {
        let names = if let ParameterKind::OneOf(names) = kind { names } else { &[] };
        names.iter().copied().find(|name| *name == text).ok_or_else(|| kind.rule())
    }

    fn canonical_text(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

/// Types that accept every text; the reader has checked its length.
macro_rules! text_value {
    ($($text:ty)*) => {$(
        impl ParameterValue for $text {
            fn parse(text: &str, _: ParameterKind) -> Result<Self, String> {
                Ok(text.into())
            }

            fn canonical_text(&self) -> Cow<'_, str> {
                self.as_str().into()
            }
        }
    )*};
}

text_value! {
    String InstrumentId SubscriptionId TokenId TransactionId
}

/// Enumerations of the ledger, which know the names of their values.
macro_rules! enum_value {
    ($($enum:ty)*) => {$(
        impl ParameterValue for $enum {
            fn parse(text: &str, kind: ParameterKind) -> Result<Self, String> {
                text.parse().map_err(|_| kind.rule())
            }

            fn canonical_text(&self) -> Cow<'_, str> {
                self.name().into()
            }
        }
    )*};
}

enum_value! {
    ChargeFeeTo CsOwner MarketplaceRefundPolicy Operation PaymentMethod Role SoftDescriptorType Status TokenType
}
