//! Reads the parameters of a request as typed values.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::FpsError;
use crate::ledger::RequestDigest;
use crate::service::Request;

use super::digest::DigestBuilder;
use super::error::{
    invalid_value, lower_camel_case, missing_parameter, not_listed, not_read, repeated_parameter, too_long,
    unknown_parameter,
};
use super::schema::is_list_item;
use super::{FromParameter, Parameter, ParameterKind, ParameterValue};

/// The parameters of one request, checked against those that its action lists.
///
/// A handler reads each parameter by name as the type that it needs. The action's list says which kinds, defaults and
/// required values there are. Refusals depend on the order of reading: the first wrong parameter that is read is
/// reported.
pub struct ParameterReader<'a> {
    parameters: &'static [Parameter],
    values: BTreeMap<&'a str, &'a str>,
    /// The names in `values` that the handler has not read yet.
    unread: BTreeSet<&'a str>,
    digest: DigestBuilder,
}

impl<'a> ParameterReader<'a> {
    /// Checks the names of a request's parameters.
    ///
    /// The first name that the action does not know is refused (captured text), and so is a name that is given twice.
    /// Names of older API versions are logged and ignored.
    pub fn new(request: Request<'a>) -> Result<Self, FpsError> {
        let action = request.action;
        let is_protocol = |name: &str| request.protocol_parameters.contains(&name);
        let mut values = BTreeMap::new();
        let mut repeated = None;
        for (name, value) in request.parameters {
            if is_protocol(name) || action.parameters.iter().any(|parameter| parameter.matches(name)) {
                if values.insert(name.as_str(), value.as_str()).is_some() {
                    repeated = repeated.or(Some(name));
                }
            } else if action.legacy.contains(&name.as_str()) {
                tracing::info!(action = action.name, parameter = name, "ignored a parameter of an older API");
            } else {
                return Err(unknown_parameter(request.version, name));
            }
        }
        // Unknown names are reported before repeated ones, whatever their order in the request.
        if let Some(name) = repeated {
            let name = if is_protocol(name) { name.clone() } else { lower_camel_case(name) };
            return Err(repeated_parameter(&name));
        }
        // A repeated request with a new signature differs in these parameters, so they must not become part of the
        // digest.
        values.retain(|name, _| !is_protocol(name));
        let unread = values.keys().copied().collect();
        let digest = DigestBuilder::new(action.name);
        Ok(Self { parameters: action.parameters, values, unread, digest })
    }

    /// Reads a parameter. `T` is the type of the value for a required parameter or one with a default, an `Option`
    /// for an optional parameter, and a `Vec` for a list.
    pub fn read<T: FromParameter>(&mut self, name: &'static str) -> Result<T, FpsError> {
        let parameter = self.parameter(name)?;
        T::from_parameter(self, parameter)
    }

    /// Reads an optional parameter whose default depends on other parameters.
    pub fn read_or<T: ParameterValue>(&mut self, name: &'static str, default: T) -> Result<T, FpsError> {
        if let Some(value) = self.read(name)? {
            return Ok(value);
        }
        self.digest.add(name, &default.canonical_text());
        Ok(default)
    }

    /// Reads a text parameter that has no effect, so that an ill-formed value is still refused.
    pub fn read_unused(&mut self, name: &'static str) -> Result<(), FpsError> {
        self.read::<Option<String>>(name)?;
        Ok(())
    }

    /// Whether the request sets this parameter to a value that is not empty.
    pub fn is_set(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| !value.is_empty())
    }

    /// Fails with `InternalError` if the handler has not read a parameter that the request sets.
    pub fn check_all_read(&self) -> Result<(), FpsError> {
        self.unread.first().map_or(Ok(()), |name| Err(not_read(name)))
    }

    /// The digest of the action and of all parameters read so far.
    pub fn digest(&self) -> RequestDigest {
        self.digest.digest()
    }

    /// Reads a single value; `None` if the request does not set it and there is no default.
    pub(super) fn read_value<T: ParameterValue>(
        &mut self,
        parameter: &Parameter,
    ) -> Result<Option<T>, FpsError> {
        let text = match parameter.kind {
            ParameterKind::Amount => self.amount_text(parameter.name)?,
            _ => self.take(parameter.name),
        };
        if text.is_none() && parameter.required {
            return Err(missing_parameter(parameter.name));
        }
        let Some(text) = text.or(parameter.default) else { return Ok(None) };
        if parameter.kind.is_exceeded_by(text) {
            return Err(too_long(parameter.name, &parameter.kind.rule()));
        }
        let value = T::parse(text, parameter.kind).map_err(|rule| match parameter.kind {
            ParameterKind::Amount => invalid_value(&format!("{}.Value", parameter.name), &rule, text),
            _ => invalid_value(parameter.name, &rule, text),
        })?;
        self.digest.add(parameter.name, &value.canonical_text());
        Ok(Some(value))
    }

    /// Reads the items of a list in the order of their names; empty items are skipped.
    pub(super) fn read_list<T: ParameterValue>(&mut self, parameter: &Parameter) -> Result<Vec<T>, FpsError> {
        let name = parameter.name;
        let is_item = |key: &&str| *key == name || is_list_item(name, key);
        let keys: Vec<&str> = self.values.keys().copied().filter(is_item).collect();
        let texts: Vec<&str> = keys.into_iter().filter_map(|key| self.take(key)).collect();
        let mut values = Vec::new();
        for text in texts.into_iter().flat_map(|list| list.split(',')).map(str::trim) {
            if !text.is_empty() {
                let value = T::parse(text, parameter.kind);
                let value = value.map_err(|rule| invalid_value(name, &rule, text))?;
                self.digest.add(name, &value.canonical_text());
                values.push(value);
            }
        }
        Ok(values)
    }

    /// The text of an amount's `Value`. Without a `CurrencyCode` the currency is USD, the only one that
    /// is accepted.
    fn amount_text(&mut self, name: &str) -> Result<Option<&'a str>, FpsError> {
        let (value_name, currency_name) = (format!("{name}.Value"), format!("{name}.CurrencyCode"));
        let (value, currency) = (self.take(&value_name), self.take(&currency_name));
        match (value, currency) {
            (_, Some(currency)) if currency != "USD" => {
                Err(invalid_value(&currency_name, "has to be USD", currency))
            }
            (None, Some(_)) => Err(missing_parameter(&value_name)),
            (value, _) => Ok(value),
        }
    }

    /// The parameter of this name in the action's list.
    fn parameter(&self, name: &str) -> Result<&'static Parameter, FpsError> {
        self.parameters.iter().find(|parameter| parameter.name == name).ok_or_else(|| not_listed(name))
    }

    /// The value that the request sets under this name. It counts as read after this call. An empty value counts as
    /// unset.
    fn take(&mut self, name: &str) -> Option<&'a str> {
        self.unread.remove(name);
        self.values.get(name).copied().filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::ledger::{Amount, Role};
    use crate::query::Pair;
    use crate::service::action::{Action, Handler};

    static TEST: Action = Action {
        name: "Test",
        aliases: &[],
        summary: "",
        source: "",
        parameters: &[
            Parameter::optional("Note", ParameterKind::Characters(10), ""),
            Parameter::optional("Sum", ParameterKind::Amount, ""),
            Parameter::optional("Role", ParameterKind::ListOf(&["Sender", "Caller", "Recipient"]), ""),
        ],
        legacy: &[],
        errors: &[],
        behaviours: &[],
        handler: Handler::Authenticated(|_| Box::pin(async { Err(Code::InternalError.into()) })),
    };

    fn reader(pairs: &[Pair]) -> Result<ParameterReader<'_>, FpsError> {
        ParameterReader::new(Request {
            action: &TEST,
            version: "2008-09-17",
            parameters: pairs,
            protocol_parameters: &[],
        })
    }

    fn read_all(pairs: &[Pair]) -> Result<(), FpsError> {
        let mut reader = reader(pairs)?;
        reader.read::<Option<String>>("Note")?;
        reader.read::<Option<Amount>>("Sum")?;
        reader.read::<Vec<Role>>("Role")?;
        reader.check_all_read()
    }

    #[test]
    fn a_parameter_is_read_or_refused() {
        let names = [
            "Note",
            "Note.1",
            "Note1",
            "Sum",
            "Sum.Value",
            "Sum.CurrencyCode",
            "Sum.Foo",
            "Sum.Value.1",
            "Role",
            "Role1",
            "Role.1",
            "Role.0",
            "Role.1.x",
            "Role.9",
            "Role.+1",
        ];
        for name in names {
            for value in ["", "Sender", "1", "USD"] {
                let pair = (name.to_owned(), value.to_owned());
                match read_all(&[pair]) {
                    Ok(()) => {}
                    Err(refusal) => assert_ne!(refusal.code, Code::InternalError, "{name}={value}"),
                }
            }
        }
    }

    #[test]
    fn an_action_that_ignores_a_parameter_or_reads_another_fails() {
        let pairs = [("Note".to_owned(), "x".to_owned())];
        let mut reader = reader(&pairs).unwrap();
        assert_eq!(reader.check_all_read().unwrap_err().code, Code::InternalError);
        assert_eq!(reader.read::<Option<String>>("Other").unwrap_err().code, Code::InternalError);
        reader.read::<Option<String>>("Note").unwrap();
        assert_eq!(reader.check_all_read(), Ok(()));
    }

    #[test]
    fn an_action_that_needs_what_it_lists_as_optional_fails() {
        assert_eq!(reader(&[]).unwrap().read::<String>("Note").unwrap_err().code, Code::InternalError);
        assert_eq!(reader(&[]).unwrap().read::<Amount>("Sum").unwrap_err().code, Code::InternalError);
    }
}
