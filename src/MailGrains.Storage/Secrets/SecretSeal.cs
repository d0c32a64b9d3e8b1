using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailGrains.Storage.Secrets;

/// <summary>
/// Seals what the store is to keep and not to show: AES-256-GCM by the installation's data key, which the store holds only as wrapped by a vault's
/// key (<see cref="DataKey"/>). Sealed octets belong to one name, that of their row: copied to another row they do not open. Safe for all threads.
/// <code>
/// format (1) | data key's id (8) | nonce (12, random) | ciphertext | tag (16)        associated data: format, id, name
/// </code>
/// <para>A random nonce is safe for 2^32 seals of one key (NIST SP 800-38D §8.3); an installation makes some thousands in its life.</para>
/// </summary>
public sealed class SecretSeal
{
    internal const int KeyBytes = 32;
    internal const int IdBytes = 8;

    private const byte Format = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int HeadBytes = 1 + IdBytes;

    private readonly byte[]? _id;
    private readonly byte[]? _key;

    private SecretSeal(byte[]? id, byte[]? key, bool takesPlain) => (_id, _key, TakesPlain) = (id, key, takesPlain);

    /// <summary>For an installation without a vault: nothing is sealed, and what is sealed can't be opened.</summary>
    public static SecretSeal None { get; } = new(null, null, takesPlain: true);

    /// <summary>False: secrets are stored as they are.</summary>
    public bool Seals => _key is not null;

    /// <summary>Secrets that were stored as they are, before there was a vault, are read. False: whoever writes one has no access to the vault.</summary>
    public bool TakesPlain { get; }

    /// <summary>Octets that an envelope adds.</summary>
    internal static int Overhead => HeadBytes + NonceBytes + TagBytes;

    /// <summary>Reads the installation's data key, or makes it, and has it unwrapped; once a process, at its start.</summary>
    /// <param name="takesPlain">See <see cref="TakesPlain"/>.</param>
    /// <param name="logger">Hears when the data key can't be wrapped by the newest version; null: nobody does.</param>
    /// <param name="time">Null: the system's.</param>
    /// <exception cref="StoreException">The store or the vault can't be asked now, or the data key is not of this vault.</exception>
    public static async Task<SecretSeal> OpenAsync(
        StorageAccounts accounts, WrappingKey wrapping, CancellationToken cancellationToken, bool takesPlain = true, ILogger? logger = null, TimeProvider? time = null)
    {
        var opened = new DataKey(accounts.Directory.Tables, wrapping, logger ?? NullLogger.Instance, time ?? TimeProvider.System);
        var (id, key) = await opened.ReadOrMakeAsync(cancellationToken).ConfigureAwait(false);
        return new SecretSeal(id, key, takesPlain);
    }

    /// <param name="name">What <see cref="Open"/> is to be told again.</param>
    /// <exception cref="InvalidOperationException">There is no vault (<see cref="Seals"/>).</exception>
    public byte[] Seal(string name, ReadOnlySpan<byte> octets)
    {
        if (_key is null || _id is null)
        {
            throw new InvalidOperationException("Without a vault nothing is sealed.");
        }

        var envelope = new byte[Overhead + octets.Length];
        envelope[0] = Format;
        _id.CopyTo(envelope, 1);
        var nonce = envelope.AsSpan(HeadBytes, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(_key, TagBytes);
        aes.Encrypt(nonce, octets, envelope.AsSpan(HeadBytes + NonceBytes, octets.Length), envelope.AsSpan(^TagBytes), Bound(envelope, name));
        return envelope;
    }

    /// <exception cref="StoreException"><see cref="StoreFailure.Unreadable"/>: sealed by another key, for another name, of a later format, or damaged.</exception>
    public byte[] Open(string name, ReadOnlySpan<byte> envelope)
    {
        if (_key is null)
        {
            throw Unreadable(name, "it is sealed, and no vault is configured that has its key (MailGrains:Vault:Uri)");
        }

        if (envelope.Length < Overhead || envelope[0] != Format)
        {
            throw Unreadable(name, "it is damaged, or of a later release");
        }

        if (!envelope[1..HeadBytes].SequenceEqual(_id))
        {
            throw Unreadable(name, "it is sealed by another data key than the installation has now");
        }

        var octets = new byte[envelope.Length - Overhead];
        using var aes = new AesGcm(_key, TagBytes);
        try
        {
            aes.Decrypt(
                envelope.Slice(HeadBytes, NonceBytes), envelope[(HeadBytes + NonceBytes)..^TagBytes], envelope[^TagBytes..], octets, Bound(envelope, name));
            return octets;
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw Unreadable(name, "it is damaged, or was sealed for another name", e);
        }
    }

    private static byte[] Bound(ReadOnlySpan<byte> envelope, string name) => [.. envelope[..HeadBytes], .. Encoding.UTF8.GetBytes(name)];

    private static StoreException Unreadable(string name, string why, Exception? inner = null) =>
        new(StoreFailure.Unreadable, $"The secret '{name}' in the store can't be opened: {why}.", inner);
}
