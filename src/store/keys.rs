//! Access keys: who signs requests, kept in memory with their HMAC states made.

use std::collections::HashMap;
use std::sync::Arc;

use crate::fps::signature::SecretKey;
use crate::ledger::{AccountNumber, Caller, World};

use super::engine::{Connection, Values};
use super::statement::ManyRows;

static KEYS: ManyRows = ManyRows::new("INSERT INTO access_keys (key, world, account, secret)", 4, "");

/// An access key and its owner.
#[derive(Clone)]
pub struct AccessKey {
    /// The public id: `AWSAccessKeyId`.
    pub id: String,
    /// Whose key it is.
    pub owner: Caller,
    /// What requests are signed with.
    pub secret: SecretKey,
    text: String,
}

/// Never shows the secret.
impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl AccessKey {
    /// An access key with its secret.
    pub fn new(id: String, owner: Caller, secret: String) -> Self {
        Self { id, owner, secret: SecretKey::new(&secret), text: secret }
    }
}

/// All access keys. They never change while the sandbox runs.
#[derive(Debug)]
pub(super) struct Keys {
    by_id: HashMap<String, Arc<AccessKey>>,
    first: Option<Arc<AccessKey>>,
}

impl Keys {
    pub(super) async fn load(connection: &mut Connection) -> sqlx::Result<Self> {
        let text = "SELECT key, world, account, secret FROM access_keys ORDER BY account, key";
        let rows = connection.all(text, Values::default()).await?;
        let mut keys = Self { by_id: HashMap::new(), first: None };
        for row in rows {
            let owner = Caller { world: World(row.try_get(1)?), account: AccountNumber(row.try_get(2)?) };
            let key = Arc::new(AccessKey::new(row.try_get(0)?, owner, row.try_get(3)?));
            keys.first.get_or_insert_with(|| Arc::clone(&key));
            keys.by_id.insert(key.id.clone(), key);
        }
        Ok(keys)
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<AccessKey>> {
        self.by_id.get(id).cloned()
    }

    pub(super) fn first(&self) -> Option<Arc<AccessKey>> {
        self.first.clone()
    }
}

/// Saves new keys.
pub(super) async fn save(connection: &mut Connection, keys: &[AccessKey]) -> sqlx::Result<()> {
    KEYS.execute(connection, keys, |query, key| {
        query.bind(key.id.clone()).bind(key.owner.world.0).bind(key.owner.account.0).bind(key.text.clone())
    })
    .await?;
    Ok(())
}
