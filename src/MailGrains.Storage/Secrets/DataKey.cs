using System.Security.Cryptography;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Secrets;

/// <summary>
/// The installation's data key: made once by whichever process is first, and kept wrapped, in table <c>Directory</c>, partition <c>secrets</c>, row
/// <c>data-key</c>: <c>f</c> format 1, <c>id</c> hexadecimal digits, <c>wrapper</c> the version that wrapped it (<c>name/version</c>), <c>wrapped</c>.
/// <para>It is unwrapped by the version that wrapped it. Where the vault's key has a newer one, it is wrapped anew by that, so that the old version may be
/// disabled once every process has started since; the data key itself stays, and so does all that it has sealed.</para>
/// </summary>
internal static class DataKey
{
    public const string Row = "data-key";

    private const long Format = 1;

    public static async Task<(byte[] Id, byte[] Key)> ReadOrMakeAsync(ITableStore tables, WrappingKey wrapping, CancellationToken cancellationToken)
    {
        var row = await ReadAsync(tables, cancellationToken).ConfigureAwait(false);
        if (row is null)
        {
            var (id, key) = (RandomNumberGenerator.GetBytes(SecretSeal.IdBytes), RandomNumberGenerator.GetBytes(SecretSeal.KeyBytes));
            var insert = TableOperation.Insert(Row, Properties(id, await wrapping.WrapAsync(key, cancellationToken).ConfigureAwait(false)));
            if ((await CommitAsync(tables, insert, cancellationToken).ConfigureAwait(false)).Committed)
            {
                return (id, key);
            }

            // Another process was first.
            row = await ReadAsync(tables, cancellationToken).ConfigureAwait(false)
                ?? throw new StoreException(StoreFailure.Unavailable, "The data key is being made.");
        }

        return await UnwrapAsync(tables, row, wrapping, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<(byte[] Id, byte[] Key)> UnwrapAsync(
        ITableStore tables, TableRow row, WrappingKey wrapping, CancellationToken cancellationToken)
    {
        if (row.Number("f") != Format || row.Text("id") is not { Length: 2 * SecretSeal.IdBytes } digits || row.Text("wrapper") is not { } wrapper ||
            row.Bytes("wrapped") is not { } wrapped)
        {
            throw new StoreException(StoreFailure.Unreadable, "The data key in the store is damaged, or of a later release.");
        }

        var id = Convert.FromHexString(digits);
        var key = await wrapping.UnwrapAsync(new WrappedKey(wrapper, wrapped), cancellationToken).ConfigureAwait(false);
        if (key.Length != SecretSeal.KeyBytes)
        {
            throw new StoreException(StoreFailure.Unreadable, "The data key in the store is not what the vault's key unwraps it to.");
        }

        await WrapAnewAsync(tables, row, id, key, wrapping, cancellationToken).ConfigureAwait(false);
        return (id, key);
    }

    private static async Task WrapAnewAsync(
        ITableStore tables, TableRow row, byte[] id, byte[] key, WrappingKey wrapping, CancellationToken cancellationToken)
    {
        try
        {
            if (await wrapping.NewestAsync(cancellationToken).ConfigureAwait(false) != row.Text("wrapper"))
            {
                // A conflict is another process that does the same.
                var anew = Properties(id, await wrapping.WrapAsync(key, cancellationToken).ConfigureAwait(false));
                await CommitAsync(tables, TableOperation.Replace(Row, anew, row.ETag), cancellationToken).ConfigureAwait(false);
            }
        }
        catch (StoreException)
        {
            // The key is there, which is what a start needs; the next start wraps it.
        }
    }

    private static RowProperties Properties(byte[] id, WrappedKey wrapped) => new(
        [new("f", Format), new("id", Convert.ToHexStringLower(id)), new("wrapper", wrapped.Wrapper), new("wrapped", wrapped.Octets)]);

    private static ValueTask<TableRow?> ReadAsync(ITableStore tables, CancellationToken cancellationToken) =>
        tables.ReadAsync(TableNames.Directory, SecretRows.Shared, Row, cancellationToken);

    private static ValueTask<TableCommit> CommitAsync(ITableStore tables, TableOperation operation, CancellationToken cancellationToken) =>
        tables.CommitAsync(TableNames.Directory, SecretRows.Shared, [operation], cancellationToken);
}
