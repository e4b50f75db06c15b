// SPDX-License-Identifier: BSD-3-Clause

#include "control/store/revisions.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define SCHEMA_VERSION 1

static const char schema_text[] = "CREATE TABLE revision ("
				  " number INTEGER PRIMARY KEY,"
				  " time INTEGER NOT NULL,"
				  " uid INTEGER NOT NULL,"
				  " state INTEGER NOT NULL,"
				  " digest BLOB NOT NULL,"
				  " n_names INTEGER NOT NULL,"
				  " n_patterns INTEGER NOT NULL,"
				  " n_peers INTEGER NOT NULL,"
				  " name TEXT NOT NULL,"
				  " comment TEXT NOT NULL,"
				  " error TEXT NOT NULL,"
				  " document TEXT NOT NULL);"
				  "PRAGMA user_version = 1;";

// In the order of insert() and take_row().
#define COLUMNS                                                                                 \
	"number, time, uid, state, digest, n_names, n_patterns, n_peers, name, comment, error," \
	" document"
#define COLUMNS_BUT_DOCUMENT                                                                    \
	"number, time, uid, state, digest, n_names, n_patterns, n_peers, name, comment, error," \
	" NULL"

struct revisions {
	sqlite3 *db;
};

static int error_of(int sqlite_error)
{
	switch (sqlite_error) {
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_BUSY:
		return -EBUSY;
	default:
		return -EIO;
	}
}

__attribute__((format(printf, 2, 3))) static void say(
	char error[REVISIONS_ERROR_BYTES], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, REVISIONS_ERROR_BYTES, format, arguments);
	va_end(arguments);
}

static int prepare(struct revisions *r, const char *sql, sqlite3_stmt **statement)
{
	int error = sqlite3_prepare_v2(r->db, sql, -1, statement, NULL);

	return error == SQLITE_OK ? 0 : error_of(error);
}

// The one number that a query gives; 0 where it gives none.
static int get_number(struct revisions *r, const char *sql, uint64_t *number)
{
	sqlite3_stmt *q;
	int error = prepare(r, sql, &q);

	*number = 0;
	if (error < 0)
		return error;
	error = sqlite3_step(q);
	if (error == SQLITE_ROW)
		*number = (uint64_t)sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return error == SQLITE_ROW || error == SQLITE_DONE ? 0 : error_of(error);
}

static bool is_whole(struct revisions *r)
{
	sqlite3_stmt *q;
	bool whole = false;

	if (prepare(r, "PRAGMA quick_check(1)", &q) < 0)
		return false;
	if (sqlite3_step(q) == SQLITE_ROW) {
		const char *says = (const char *)sqlite3_column_text(q, 0);

		whole = says != NULL && strcmp(says, "ok") == 0;
	}
	sqlite3_finalize(q);
	return whole;
}

static int set_up(struct revisions *r, const char *path, char error[REVISIONS_ERROR_BYTES])
{
	uint64_t version = 0;

	sqlite3_busy_timeout(r->db, 1000);
	if (!is_whole(r) || get_number(r, "PRAGMA user_version", &version) < 0) {
		say(error, "%s: damaged; restore it, or move it away and publish again", path);
		return -EBADMSG;
	}
	if (version > SCHEMA_VERSION) {
		say(error, "%s: written by a newer version of fedrelay", path);
		return -EPROTO;
	}
	// FULL: what was committed survives a loss of power, as the order in store.h needs.
	if (sqlite3_exec(r->db, "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;", NULL,
		    NULL, NULL) == SQLITE_OK &&
		(version != 0 || sqlite3_exec(r->db, schema_text, NULL, NULL, NULL) == SQLITE_OK))
		return 0;
	say(error, "%s: %s", path, sqlite3_errmsg(r->db));
	return -EIO;
}

struct revisions *revisions_open(const char *path, char error[REVISIONS_ERROR_BYTES])
{
	struct revisions *r = calloc(1, sizeof(*r));
	mode_t mask;
	int e;

	if (r == NULL) {
		say(error, "out of memory");
		return NULL;
	}
	mask = umask(077);
	e = sqlite3_open_v2(path, &r->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX |
			SQLITE_OPEN_NOFOLLOW,
		NULL);
	if (e != SQLITE_OK)
		say(error, "%s: %s", path, sqlite3_errmsg(r->db));
	else
		e = set_up(r, path, error);
	umask(mask);
	if (e == 0)
		return r;
	revisions_close(r);
	return NULL;
}

void revisions_close(struct revisions *r)
{
	if (r == NULL)
		return;
	sqlite3_close(r->db);
	free(r);
}

int revisions_last_number(struct revisions *r, uint64_t *number)
{
	return get_number(r, "SELECT max(number) FROM revision", number);
}

int revisions_add(struct revisions *r, const struct revision *revision)
{
	sqlite3_stmt *q;
	int error = prepare(
		r, "INSERT INTO revision (" COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,'',?)", &q);

	if (error < 0)
		return error;
	sqlite3_bind_int64(q, 1, (sqlite3_int64)revision->number);
	sqlite3_bind_int64(q, 2, revision->time);
	sqlite3_bind_int64(q, 3, revision->uid);
	sqlite3_bind_int(q, 4, REVISION_PENDING);
	sqlite3_bind_blob(q, 5, revision->digest, IMAGE_DIGEST_BYTES, SQLITE_STATIC);
	sqlite3_bind_int64(q, 6, revision->n_names);
	sqlite3_bind_int64(q, 7, revision->n_patterns);
	sqlite3_bind_int64(q, 8, revision->n_peers);
	sqlite3_bind_text(q, 9, revision->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 10, revision->comment, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 11, revision->document, -1, SQLITE_STATIC);
	error = sqlite3_step(q);
	sqlite3_finalize(q);
	return error == SQLITE_DONE ? 0 : error_of(error);
}

int revisions_set_state(
	struct revisions *r, uint64_t number, enum revision_state state, const char *text)
{
	sqlite3_stmt *q;
	bool found = false;
	int error = prepare(r,
		"UPDATE revision SET state = ?, error = ? WHERE number = ? RETURNING number", &q);

	if (error < 0)
		return error;
	sqlite3_bind_int(q, 1, (int)state);
	sqlite3_bind_text(q, 2, text, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, (sqlite3_int64)number);
	while ((error = sqlite3_step(q)) == SQLITE_ROW)
		found = true;
	sqlite3_finalize(q);
	if (error != SQLITE_DONE)
		return error_of(error);
	return found ? 0 : -ENOENT;
}

static char *column_copy(sqlite3_stmt *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q, column);

	return strdup(text != NULL ? text : "");
}

static int take_row(sqlite3_stmt *q, struct revision *out)
{
	const void *digest = sqlite3_column_blob(q, 4);
	int state = sqlite3_column_int(q, 3);
	bool has_document = sqlite3_column_type(q, 11) != SQLITE_NULL;

	memset(out, 0, sizeof(*out));
	if (sqlite3_column_bytes(q, 4) != IMAGE_DIGEST_BYTES || digest == NULL ||
		state < REVISION_PENDING || state > REVISION_REFUSED)
		return -EBADMSG;
	out->number = (uint64_t)sqlite3_column_int64(q, 0);
	out->time = sqlite3_column_int64(q, 1);
	out->uid = (uid_t)sqlite3_column_int64(q, 2);
	out->state = (enum revision_state)state;
	memcpy(out->digest, digest, IMAGE_DIGEST_BYTES);
	out->n_names = (uint32_t)sqlite3_column_int64(q, 5);
	out->n_patterns = (uint32_t)sqlite3_column_int64(q, 6);
	out->n_peers = (uint32_t)sqlite3_column_int64(q, 7);
	out->name = column_copy(q, 8);
	out->comment = column_copy(q, 9);
	out->error = column_copy(q, 10);
	out->document = has_document ? column_copy(q, 11) : NULL;
	if (out->name != NULL && out->comment != NULL && out->error != NULL &&
		(out->document != NULL || !has_document))
		return 0;
	revision_fini(out);
	return -ENOMEM;
}

void revision_fini(struct revision *r)
{
	free(r->name);
	free(r->comment);
	free(r->error);
	free(r->document);
	memset(r, 0, sizeof(*r));
}

// The one row that a query with one number in it gives.
static int find(struct revisions *r, const char *sql, uint64_t number, struct revision *out)
{
	sqlite3_stmt *q;
	int error = prepare(r, sql, &q);

	if (error < 0)
		return error;
	// SQLite's integers have a sign; numbers above it were never given.
	sqlite3_bind_int64(q, 1, number > INT64_MAX ? INT64_MAX : (sqlite3_int64)number);
	error = sqlite3_step(q);
	if (error == SQLITE_ROW)
		error = take_row(q, out);
	else
		error = error == SQLITE_DONE ? -ENOENT : error_of(error);
	sqlite3_finalize(q);
	return error;
}

int revisions_find(struct revisions *r, uint64_t number, struct revision *out)
{
	return find(r, "SELECT " COLUMNS " FROM revision WHERE number = ?", number, out);
}

int revisions_find_standing(struct revisions *r, uint64_t below, struct revision *out)
{
	return find(r,
		"SELECT " COLUMNS " FROM revision WHERE state < 2 AND number < ?"
		" ORDER BY number DESC LIMIT 1",
		below, out);
}

int revisions_list(struct revisions *r, struct revision out[], size_t n)
{
	sqlite3_stmt *q;
	size_t got = 0;
	int error = prepare(r,
		"SELECT " COLUMNS_BUT_DOCUMENT " FROM revision ORDER BY number DESC LIMIT ?", &q);

	if (error < 0)
		return error;
	sqlite3_bind_int64(q, 1, (sqlite3_int64)n);
	while (error == 0 && (error = sqlite3_step(q)) == SQLITE_ROW && got < n) {
		error = take_row(q, &out[got]);
		if (error == 0)
			got++;
	}
	sqlite3_finalize(q);
	if (error == SQLITE_DONE)
		return (int)got;
	while (got > 0)
		revision_fini(&out[--got]);
	return error < 0 ? error : error_of(error);
}

int revisions_list_old(struct revisions *r, unsigned n_kept, uint64_t numbers[], size_t n)
{
	sqlite3_stmt *q;
	size_t got = 0;
	int error = prepare(r,
		"SELECT number FROM revision WHERE state < 2 ORDER BY number DESC LIMIT ? OFFSET ?",
		&q);

	if (error < 0)
		return error;
	sqlite3_bind_int64(q, 1, (sqlite3_int64)n);
	sqlite3_bind_int64(q, 2, n_kept);
	while ((error = sqlite3_step(q)) == SQLITE_ROW && got < n)
		numbers[got++] = (uint64_t)sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return error == SQLITE_DONE ? (int)got : error_of(error);
}
