//! Accounts, with their access keys and opening balances.

use strum::VariantArray as _;
use toml::Spanned;

use crate::ledger::Named as _;
use crate::ledger::{Account, AccountKind, AccountNumber, CbuiStatus, Command, DepositFunds, PaymentMethod};
use crate::store::{CobrandedSettings, DeveloperStatus, NewAccessKey};

use super::super::error::{EntryError, EntryResult};
use super::super::file::AccountEntry;
use super::Builder;
use super::values::{amount, descriptions, real_method, refusal_error};

pub(super) fn add_account(builder: &mut Builder<'_>, entry: &AccountEntry) -> EntryResult<()> {
    let name = entry.name.get_ref();
    let number = AccountNumber(builder.ids.next_number());
    if builder.accounts.insert(name.clone(), number).is_some() {
        return Err(EntryError::at(&entry.name, format!("there are two accounts `{name}`")));
    }
    let email = entry.email.get_ref();
    if builder.book.account_at(email).is_some() {
        let problem = format!("there are two accounts with the address `{email}`");
        return Err(EntryError::at(&entry.email, problem));
    }
    builder.book.add_account(Account {
        number,
        name: entry.display_name.clone().unwrap_or_else(|| name.clone()),
        email: email.clone(),
        kind: entry.kind,
        state: entry.state,
        marketplace: entry.marketplace.unwrap_or(entry.kind == AccountKind::Business),
        methods: methods(entry)?,
        transaction_limit: entry.transaction_limit.as_ref().map(amount).transpose()?,
    });
    add_access_keys(builder, entry, number)?;
    let Some(balance) = &entry.balance else { return Ok(()) };
    let descriptions = descriptions("opening balance", Some(name), None);
    let deposit = DepositFunds { account: number, amount: amount(balance)?, descriptions };
    let (book, mut context) = builder.book_and_context();
    deposit.decide(book, &mut context).map_err(|refusal| refusal_error(balance, "balance", &refusal))?;
    Ok(())
}

fn add_access_keys(builder: &mut Builder<'_>, entry: &AccountEntry, owner: AccountNumber) -> EntryResult<()> {
    let cobranded = cobranded_settings(entry)?;
    for key in &entry.access_key {
        let id = key.id.get_ref();
        if builder.keys.iter().any(|known| known.id == *id) {
            return Err(EntryError::at(&key.id, format!("there are two access keys `{id}`")));
        }
        builder.keys.push(NewAccessKey {
            id: id.clone(),
            owner,
            secret: key.secret.clone(),
            developer_status: developer_status(entry),
            cobranded,
        });
    }
    Ok(())
}

fn methods(entry: &AccountEntry) -> EntryResult<Vec<PaymentMethod>> {
    match &entry.methods {
        None => Ok(Account::METHODS.into()),
        Some(names) => names.iter().map(real_method).collect(),
    }
}

fn developer_status(entry: &AccountEntry) -> DeveloperStatus {
    match (entry.signed_up, entry.developer) {
        (false, _) => DeveloperStatus::NotSignedUp,
        (true, false) => DeveloperStatus::NotDeveloper,
        (true, true) => DeveloperStatus::Developer,
    }
}

fn cobranded_settings(entry: &AccountEntry) -> EntryResult<CobrandedSettings> {
    let preset_status = entry.cobranded_ending.as_ref().map(parse_status).transpose()?;
    let version = match &entry.return_signature {
        Some(version) if ![1, 2].contains(version.get_ref()) => {
            return Err(EntryError::at(version, "return URLs are signed by version 2 or 1"));
        }
        version => version.as_ref().map_or(2, |version| *version.get_ref()),
    };
    Ok(CobrandedSettings { preset_status, uses_signature_version_1: version == 1 })
}

fn parse_status(name: &Spanned<String>) -> EntryResult<CbuiStatus> {
    CbuiStatus::named(name.get_ref()).ok_or_else(|| {
        let names: Vec<_> = CbuiStatus::VARIANTS.iter().map(|status| status.name()).collect();
        let problem = format!("`{}` is no ending; use one of {}", name.get_ref(), names.join(", "));
        EntryError::at(name, problem)
    })
}
