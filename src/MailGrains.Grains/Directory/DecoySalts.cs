using System.Security.Cryptography;
using System.Text;
using MailGrains.Contracts.Directory;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Directory;

/// <summary>
/// What a SCRAM client is told for an account without a verifier: a salt that is the same each time, on each silo and after a restart, so that
/// it does not tell such names from accounts (RFC 5802 §9 leaves it to the server). It hangs on a secret of the installation, made once.
/// </summary>
public sealed class DecoySalts(StorageAccounts accounts, PasswordOptions options)
{
    public const string Partition = "secrets";

    public const string Row = "decoy-salts";

    private readonly DirectoryTable _table = new(accounts);
    private byte[]? _secret;

    /// <exception cref="Contracts.StoreUnavailableException">The secret can't be read now.</exception>
    internal async ValueTask<ScramParameters> OfAsync(string account, ScramDigest digest, CancellationToken cancellationToken)
    {
        _secret ??= await ReadSecretAsync(cancellationToken);
        var salt = HMACSHA256.HashData(_secret, Encoding.UTF8.GetBytes($"{(int)digest}:{account}"));
        return new ScramParameters(salt[..ScramVerifier.SaltBytes], options.Iterations);
    }

    private async ValueTask<byte[]> ReadSecretAsync(CancellationToken cancellationToken)
    {
        var type = StoredJson.Readable.StoredSecret;
        if (await _table.ReadAsync(Partition, Row, type, cancellationToken) is { } found)
        {
            return found.Value.Key;
        }

        var made = new StoredSecret(RandomNumberGenerator.GetBytes(32));
        var commit = await _table.CommitAsync(
            Partition, [TableOperation.Insert(Row, DirectoryTable.Encode(made, type, 0))], cancellationToken);

        // Another silo may have been faster: what stands in the store is the secret.
        return commit.Committed
            ? made.Key
            : (await _table.ReadAsync(Partition, Row, type, cancellationToken))?.Value.Key ??
                throw new Contracts.StoreUnavailableException("The secret of the decoy salts is being changed.");
    }
}
