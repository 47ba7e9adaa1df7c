/*
 * Variables as EC2 gives them out (GetInstanceUefiData, the UefiData of an image): base64 of a compressed list.
 *
 * Source: awslabs/python-uefivars, pyuefivars/aws.py (2022), the only description there is: u64 "AMZNUEFI", u32 CRC-32C of all that
 * follows, u32 version 0, a zlib stream with a preset dictionary (RFC 1950); in it u64 number of variables, for each u64 length and
 * name, u64 length and data, GUID, u32 attributes, and for those with time-based authentication EFI_TIME, u64 length and the digest
 * of the certificate. All little endian. The dictionary is data of that project and no part of this program: the user brings it.
 */
#include <inttypes.h>
#include <string.h>

#include <zlib.h>

#include "base/efi/variable_store.h"
#include "base/encode.h"
#include "base/reader.h"
#include "base/utf16.h"

enum {
	VERSION = 0,
	HEADER = 16,
	TIME_BASED = 0x20,     /* EFI_VARIABLE_TIME_BASED_AUTHENTICATED_WRITE_ACCESS */
	CONTENT_MAX = 4 << 20, /* bytes once decompressed; a store holds some hundred KiB at most */
};

static const char magic_base64[] = "QU1aTlVFRk"; /* what "AMZNUEFI" becomes, as far as its own bits go */

bool variable_store_is_aws(struct slice bytes)
{
	return bytes.n >= strlen(magic_base64) && memcmp(bytes.p, magic_base64, strlen(magic_base64)) == 0;
}

/* CRC-32C (RFC 3720, appendix B.4). */
static uint32_t crc32c(struct slice s)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= s.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0x82f63b78 & -(crc & 1));
	}
	return ~crc;
}

static int decode(struct pool *pool, struct slice text, struct slice *ret, struct pcrcast_error *e)
{
	uint8_t *digits = pool_array(pool, text.n + 1, 1);
	size_t n = 0;

	if (!digits)
		return err_nomem(e);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\n' && text.p[i] != '\r')
			digits[n++] = text.p[i];
	return base64_decode(pool, (struct slice){ digits, n }, ret) ?
		       0 :
		       err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET, "UefiData: expected base64 to the end");
}

/* *ret lives in pool. */
static int decompress(struct pool *pool, struct slice stream, struct slice dictionary, struct slice *ret,
		      struct pcrcast_error *e)
{
	uint8_t *out = pool_array(pool, CONTENT_MAX, 1);
	z_stream z = { .next_in = (Bytef *)(uintptr_t)stream.p, .avail_in = (uInt)stream.n };
	int rc = 0;

	if (!out || inflateInit(&z) != Z_OK)
		return err_nomem(e);
	z.next_out = out;
	z.avail_out = CONTENT_MAX;
	int status = inflate(&z, Z_FINISH);
	if (status == Z_NEED_DICT && dictionary.n == 0)
		rc = err_set(
			e, PCRCAST_EUNSUPPORTED, HEADER,
			"UefiData is compressed with a dictionary (Adler-32 0x%08lx) that is no part of this program: name its file with --variables-dictionary",
			z.adler);
	else if (status == Z_NEED_DICT && inflateSetDictionary(&z, dictionary.p, (uInt)dictionary.n) != Z_OK)
		rc = err_set(
			e, PCRCAST_EINVAL, PCRCAST_NO_OFFSET,
			"this is not the dictionary of UefiData: its Adler-32 is 0x%08lx, expected 0x%08lx",
			adler32(1, dictionary.p, (uInt)dictionary.n), z.adler);
	else if (status == Z_NEED_DICT)
		status = inflate(&z, Z_FINISH);
	if (rc == 0 && (status != Z_STREAM_END || z.avail_in))
		rc = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			     "UefiData: expected a zlib stream of at most %d bytes to the end, found %s",
			     CONTENT_MAX, z.msg ? z.msg : "less or more");
	*ret = (struct slice){ out, CONTENT_MAX - z.avail_out };
	(void)inflateEnd(&z);
	return rc;
}

static int read_variable(struct pool *pool, struct reader *r, struct firmware_variables *v,
			 struct pcrcast_error *e)
{
	struct firmware_variable var;
	struct slice name = reader_take(r, reader_u64le(r));

	var.data = reader_take(r, reader_u64le(r));
	struct slice guid = reader_take(r, GUID_LEN);
	var.attributes = reader_u32le(r);
	if (!r->failed && var.attributes & TIME_BASED) {
		(void)reader_take(r, 16);
		(void)reader_take(r, reader_u64le(r));
	}
	if (r->failed)
		return err_set(e, PCRCAST_ETRUNC, PCRCAST_NO_OFFSET,
			       "UefiData: variable %zu runs past the end of the decompressed %zu bytes", v->n,
			       r->end);
	if (name.n == 0 || memchr(name.p, 0, name.n) || !utf8_valid(name))
		return err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			       "UefiData: variable %zu: expected a name in UTF-8", v->n);
	var.guid = guid_of_bytes(guid.p);
	var.name = pool_text(pool, (const char *)name.p, name.n);
	return var.name ? firmware_variables_add(pool, v, var, PCRCAST_NO_OFFSET, e) : err_nomem(e);
}

int variable_store_read_aws_content(struct pool *pool, struct slice content, struct firmware_variables *ret,
				    struct pcrcast_error *e)
{
	struct firmware_variables v = FIRMWARE_VARIABLES_INIT;
	struct reader r = reader_over(content);
	int rc = 0;

	uint64_t n = reader_u64le(&r);
	for (uint64_t i = 0; i < n && rc == 0 && !r.failed; i++)
		rc = read_variable(pool, &r, &v, e);
	if (rc == 0 && (r.failed || reader_left(&r)))
		rc = err_set(e, PCRCAST_EFORMAT, PCRCAST_NO_OFFSET,
			     "UefiData: %" PRIu64 " variables do not fill the decompressed %zu bytes", n,
			     content.n);
	if (rc < 0)
		return rc;
	v.whole = true;
	*ret = v;
	return 0;
}

int variable_store_read_aws(struct pool *pool, struct slice text, struct slice dictionary,
			    struct firmware_variables *ret, struct pcrcast_error *e)
{
	struct slice bytes, content = SLICE_EMPTY;

	int rc = decode(pool, text, &bytes, e);
	if (rc < 0)
		return rc;
	struct reader r = reader_over(bytes);
	struct slice magic = reader_take(&r, 8);
	uint32_t crc = reader_u32le(&r);
	struct slice covered = { r.base + r.pos, reader_left(&r) };
	uint32_t version = reader_u32le(&r);
	if (r.failed)
		return err_set(e, PCRCAST_ETRUNC, bytes.n, "UefiData: %zu bytes, expected more than %d",
			       bytes.n, HEADER);
	if (!slice_equal_string(magic, "AMZNUEFI"))
		return err_set(e, PCRCAST_EFORMAT, 0, "UefiData begins with AMZNUEFI, this does not quite");
	if (crc32c(covered) != crc)
		return err_set(e, PCRCAST_EFORMAT, 8, "UefiData: CRC-32C is 0x%08x, computed 0x%08x", crc,
			       crc32c(covered));
	if (version != VERSION)
		return err_set(e, PCRCAST_EUNSUPPORTED, 12, "UefiData of version %u, expected %d", version,
			       VERSION);
	rc = decompress(pool, (struct slice){ bytes.p + HEADER, bytes.n - HEADER }, dictionary, &content, e);
	return rc < 0 ? rc : variable_store_read_aws_content(pool, content, ret, e);
}
