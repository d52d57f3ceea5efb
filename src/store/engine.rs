//! The two engines, and all that they do differently when a statement runs. Whoever speaks SQL speaks it here, in the
//! words that both understand: placeholders are `$1`, `$2`, …, each used once and in order. Statements over many rows
//! have a text for each engine, see [`super::statement`].

use std::borrow::Cow;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    Arguments, ColumnIndex, Connection as _, Decode, Encode, PgConnection, Postgres, Row as _, SqlSafeStr,
    Sqlite, SqliteConnection, Type,
};

use super::sqlite;

/// A connection to the database.
pub(super) enum Connection {
    /// The embedded engine: a file or memory.
    Sqlite(SqliteConnection),
    /// A server that several sandboxes share.
    Postgres(PgConnection),
}

/// A row of an answer.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// What a column can hold. `None` is SQL's NULL.
pub(super) enum Value {
    Whole(Option<i64>),
    Text(Option<Cow<'static, str>>),
    Bytes(Option<Vec<u8>>),
}

/// The values of a statement's placeholders, in order.
#[derive(Default)]
pub(super) struct Values(Vec<Value>);

/// What both engines can read from a column.
pub(super) trait Readable<'r>:
    Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}

impl<'r, T> Readable<'r> for T where
    T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}

impl Row {
    /// The value of a column, by its name or its place.
    pub(super) fn try_get<'r, T: Readable<'r>, I>(&'r self, column: I) -> sqlx::Result<T>
    where
        I: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}

impl Values {
    /// The value of the next placeholder.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.0.push(value.into());
        self
    }

    /// The values of many rows, one row after the other.
    pub(super) fn of_rows<T>(rows: &[T], bind: impl Fn(Self, &T) -> Self) -> Self {
        rows.iter().fold(Self::default(), bind)
    }

    /// As the arguments of one engine.
    pub(super) fn into_arguments<A: Arguments>(self) -> sqlx::Result<A>
    where
        Option<i64>: Encode<'static, A::Database> + Type<A::Database>,
        Option<&'static str>: Encode<'static, A::Database> + Type<A::Database>,
        Option<String>: Encode<'static, A::Database> + Type<A::Database>,
        Option<Vec<u8>>: Encode<'static, A::Database> + Type<A::Database>,
    {
        let mut arguments = A::default();
        arguments.reserve(self.0.len(), 0);
        for value in self.0 {
            match value {
                Value::Whole(whole) => arguments.add(whole),
                Value::Text(Some(Cow::Borrowed(text))) => arguments.add(Some(text)),
                Value::Text(text) => arguments.add(text.map(Cow::into_owned)),
                Value::Bytes(bytes) => arguments.add(bytes),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }

    /// The values of rows of so many columns as one array a column.
    pub(super) fn into_arrays(self, columns: usize) -> sqlx::Result<PgArguments> {
        let mut arrays: Vec<Array> = Vec::with_capacity(columns);
        for (place, value) in self.0.into_iter().enumerate() {
            match arrays.get_mut(place % columns) {
                Some(array) => array.push(value)?,
                None => arrays.push(Array::of(value)),
            }
        }
        let mut arguments = PgArguments::default();
        for array in arrays {
            match array {
                Array::Whole(values) => arguments.add(values),
                Array::Text(values) => arguments.add(values),
                Array::Bytes(values) => arguments.add(values),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }
}

/// A column's values over several rows.
enum Array {
    Whole(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Array {
    fn of(first: Value) -> Self {
        match first {
            Value::Whole(value) => Self::Whole(vec![value]),
            Value::Text(value) => Self::Text(vec![value.map(Cow::into_owned)]),
            Value::Bytes(value) => Self::Bytes(vec![value]),
        }
    }

    /// A column has one type; a value of another would be a mistake of ours.
    fn push(&mut self, value: Value) -> sqlx::Result<()> {
        match (self, value) {
            (Self::Whole(values), Value::Whole(value)) => values.push(value),
            (Self::Text(values), Value::Text(value)) => values.push(value.map(Cow::into_owned)),
            (Self::Bytes(values), Value::Bytes(value)) => values.push(value),
            _ => return Err(sqlx::Error::Encode("a column has values of two types".into())),
        }
        Ok(())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Whole(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Whole(value)
    }
}

impl From<&'static str> for Value {
    fn from(value: &'static str) -> Self {
        Self::Text(Some(Cow::Borrowed(value)))
    }
}

impl From<Option<&'static str>> for Value {
    fn from(value: Option<&'static str>) -> Self {
        Self::Text(value.map(Cow::Borrowed))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(Cow::Owned(value)))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value.map(Cow::Owned))
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Some(value))
    }
}

impl Connection {
    /// Runs a statement without values, such as the beginning or the end of a transaction.
    pub(super) async fn run(&mut self, text: impl SqlSafeStr) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(connection) => sqlx::query(text).execute(connection).await.map(drop),
            Self::Postgres(connection) => sqlx::query(text).execute(connection).await.map(drop),
        }
    }

    /// Runs several statements, one after the other.
    pub(super) async fn run_script(&mut self, script: String) -> sqlx::Result<()> {
        let script = sqlx::raw_sql(sqlx::AssertSqlSafe(script));
        match self {
            Self::Sqlite(connection) => script.execute(connection).await.map(drop),
            Self::Postgres(connection) => script.execute(connection).await.map(drop),
        }
    }

    /// All rows that a statement answers.
    pub(super) async fn all(&mut self, text: impl SqlSafeStr, values: Values) -> sqlx::Result<Vec<Row>> {
        match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query_with(text, values.into_arguments::<SqliteArguments>()?);
                Ok(rows.fetch_all(connection).await?.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query_with(text, values.into_arguments::<PgArguments>()?);
                Ok(rows.fetch_all(connection).await?.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// The first value of the one row that a statement answers.
    pub(super) async fn scalar<T>(&mut self, text: impl SqlSafeStr, values: Values) -> sqlx::Result<T>
    where
        T: for<'r> Readable<'r>,
    {
        let rows = self.all(text, values).await?;
        rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)
    }

    /// The whole of an embedded database as one piece of memory.
    pub(super) async fn image(&mut self) -> sqlx::Result<Option<Vec<u8>>> {
        match self {
            Self::Sqlite(connection) => Ok(Some(connection.serialize(None).await?.to_vec())),
            Self::Postgres(_) => Ok(None),
        }
    }

    /// Closes a connection that only looked.
    pub(super) async fn close_reader(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        }
    }

    /// Closes it, so that all it wrote is where it belongs.
    pub(super) async fn close(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(connection) => sqlite::close(connection).await,
            Self::Postgres(connection) => connection.close().await,
        }
    }
}
