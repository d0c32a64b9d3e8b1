using System.Security.Cryptography;
using MailGrains.Storage.Tables;
using Microsoft.Extensions.Logging;

namespace MailGrains.Storage.Secrets;

/// <summary>
/// The installation's data key: made once by whichever process is first, and kept wrapped, in table <c>Directory</c>, partition <c>secrets</c>, row
/// <c>data-key</c>: <c>f</c> format 1, <c>id</c> hexadecimal digits, <c>wrapper</c> the version that wrapped it (<c>name/version</c>), <c>wrapped</c>.
/// <para>It is unwrapped by the version that wrapped it. Where the vault's key has a newer one, it is wrapped anew by that, so that the old version may be
/// disabled once every process has started since; the data key itself stays, and so does all that it has sealed.</para>
/// </summary>
internal sealed partial class DataKey(ITableStore tables, WrappingKey wrapping, ILogger logger, TimeProvider time)
{
    public const string Row = "data-key";

    private const long Format = 1;

    /// <summary>For what the start does not need.</summary>
    private static readonly TimeSpan AnewLimit = TimeSpan.FromSeconds(10);

    public async Task<(byte[] Id, byte[] Key)> ReadOrMakeAsync(CancellationToken cancellationToken)
    {
        var row = await ReadAsync(cancellationToken).ConfigureAwait(false);
        if (row is null)
        {
            var (id, key) = (RandomNumberGenerator.GetBytes(SecretSeal.IdBytes), RandomNumberGenerator.GetBytes(SecretSeal.KeyBytes));
            var insert = TableOperation.Insert(Row, Properties(id, await wrapping.WrapAsync(key, cancellationToken).ConfigureAwait(false)));
            if ((await CommitAsync(insert, cancellationToken).ConfigureAwait(false)).Committed)
            {
                return (id, key);
            }

            // Another process was first.
            row = await ReadAsync(cancellationToken).ConfigureAwait(false)
                ?? throw new StoreException(StoreFailure.Unavailable, "The data key is being made.");
        }

        return await UnwrapAsync(row, cancellationToken).ConfigureAwait(false);
    }

    private async Task<(byte[] Id, byte[] Key)> UnwrapAsync(TableRow row, CancellationToken cancellationToken)
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

        await WrapAnewAsync(row, id, key, cancellationToken).ConfigureAwait(false);
        return (id, key);
    }

    private async Task WrapAnewAsync(TableRow row, byte[] id, byte[] key, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(AnewLimit, time);
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            if (await wrapping.NewestAsync(limited.Token).ConfigureAwait(false) != row.Text("wrapper"))
            {
                // A conflict is another process that does the same.
                var anew = Properties(id, await wrapping.WrapAsync(key, limited.Token).ConfigureAwait(false));
                await CommitAsync(TableOperation.Replace(Row, anew, row.ETag), limited.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is StoreException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The key is there, which is what a start needs; the next start wraps it.
            LogNotAnew(row.Text("wrapper"), e is StoreException ? e.Message : "no answer in time");
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The data key can't be wrapped by the newest version of the vault's key now, and the next start tries it again; {Wrapper} has to stay enabled: {Why}")]
    private partial void LogNotAnew(string? wrapper, string why);

    private static RowProperties Properties(byte[] id, WrappedKey wrapped) => new(
        [new("f", Format), new("id", Convert.ToHexStringLower(id)), new("wrapper", wrapped.Wrapper), new("wrapped", wrapped.Octets)]);

    private ValueTask<TableRow?> ReadAsync(CancellationToken cancellationToken) =>
        tables.ReadAsync(TableNames.Directory, SecretRows.Shared, Row, cancellationToken);

    private ValueTask<TableCommit> CommitAsync(TableOperation operation, CancellationToken cancellationToken) =>
        tables.CommitAsync(TableNames.Directory, SecretRows.Shared, [operation], cancellationToken);
}
