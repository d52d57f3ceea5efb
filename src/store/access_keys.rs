//! Access keys: what requests are signed with. A world's keys are held in memory, with their HMAC states precomputed.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ledger::{AccountNumber, CbuiStatus, Secret};
use crate::signature::SecretKey;

use super::engine::{BindValues, Connection};

/// The columns of `access_keys`.
mod table {
    use super::NewAccessKey;
    use crate::ledger::Named;
    use crate::store::tables::table_columns;

    table_columns! {
        access_keys: key: NewAccessKey;
        insert {
            key = key.id.clone(),
            account = key.owner.0,
            secret = key.secret.reveal().to_owned(),
            standing = key.developer_status.name(),
            ending = key.cobranded.preset_status.map(Named::name),
            return_signature = if key.cobranded.uses_signature_version_1 { 1_i64 } else { 2_i64 },
        }
    }
}

/// An access key that is to be saved, with the text of its secret.
#[derive(Debug)]
pub struct NewAccessKey {
    /// The public id: `AWSAccessKeyId`.
    pub id: String,
    /// The account that owns the key.
    pub owner: AccountNumber,
    /// The secret that requests are signed with.
    pub secret: Secret,
    /// Whether the owner may call the service.
    pub developer_status: DeveloperStatus,
    /// The owner's settings for the Co-Branded pages.
    pub cobranded: CobrandedSettings,
}

/// An access key as it is used to authenticate requests. The secret exists only as HMAC states.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// The public id: `AWSAccessKeyId`.
    pub id: String,
    /// The account that owns the key.
    pub owner: AccountNumber,
    /// The secret that requests are signed with.
    pub secret: SecretKey,
    /// Whether the owner may call the service.
    pub developer_status: DeveloperStatus,
    /// The owner's settings for the Co-Branded pages.
    pub cobranded: CobrandedSettings,
}

/// Whether the owner of an access key may call the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum DeveloperStatus {
    /// A developer who is signed up for FPS. Only this status may call the service.
    Developer,
    /// Not a developer account.
    NotDeveloper,
    /// Not signed up for FPS.
    NotSignedUp,
}

/// A merchant's settings for the Co-Branded pages (our choice).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CobrandedSettings {
    /// The status with which every visit ends at once, without showing pages, unless the start URL says otherwise.
    pub preset_status: Option<CbuiStatus>,
    /// Whether return URLs are signed with version 1, as for accounts that had not moved to version 2.
    pub uses_signature_version_1: bool,
}

/// The access keys of a world.
#[derive(Debug, Default)]
pub struct AccessKeys {
    by_id: HashMap<String, Arc<AccessKey>>,
    first: Option<Arc<AccessKey>>,
}

impl AccessKeys {
    pub(super) async fn load(connection: &mut Connection) -> sqlx::Result<Self> {
        let text = "SELECT * FROM access_keys ORDER BY account, key";
        let rows = connection.fetch_all(text, BindValues::default()).await?;
        let mut keys = Self::default();
        for row in rows {
            keys.add(AccessKey {
                id: row.try_get("key")?,
                owner: AccountNumber(row.try_get("account")?),
                secret: SecretKey::new(row.try_get::<String, _>("secret")?.as_str()),
                developer_status: row.text_enum("standing")?,
                cobranded: CobrandedSettings {
                    preset_status: row.optional_text_enum("ending")?,
                    uses_signature_version_1: row.try_get::<i64, _>("return_signature")? == 1,
                },
            });
        }
        Ok(keys)
    }

    /// The access keys of a world that has not been saved yet.
    pub fn of(new: &[NewAccessKey]) -> Self {
        let mut sorted: Vec<_> = new.iter().collect();
        sorted.sort_by_key(|key| (key.owner, &key.id));
        let mut keys = Self::default();
        for key in sorted {
            keys.add(AccessKey {
                id: key.id.clone(),
                owner: key.owner,
                secret: SecretKey::new(key.secret.reveal()),
                developer_status: key.developer_status,
                cobranded: key.cobranded,
            });
        }
        keys
    }

    fn add(&mut self, key: AccessKey) {
        let key = Arc::new(key);
        self.first.get_or_insert_with(|| Arc::clone(&key));
        self.by_id.insert(key.id.clone(), key);
    }

    /// The access key with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<AccessKey>> {
        self.by_id.get(id)
    }

    /// The first access key of the first account that has one.
    pub fn first(&self) -> Option<&Arc<AccessKey>> {
        self.first.as_ref()
    }
}

/// Saves new access keys.
pub(super) async fn save(connection: &mut Connection, keys: &[NewAccessKey]) -> sqlx::Result<()> {
    table::insert(connection, keys).await
}
