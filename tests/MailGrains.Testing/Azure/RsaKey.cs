using System.Security.Cryptography;
using MailGrains.Storage;
using MailGrains.Storage.Secrets;

namespace MailGrains.Testing.Azure;

/// <summary>A key of a vault, in memory: versions of RSA keys, of which the newest wraps and each unwraps what it has wrapped (RSA-OAEP-256).</summary>
public sealed class RsaKey(string name) : IDisposable
{
    private const int KeyBits = 2048;

    private readonly List<(string Version, RSA Key)> _versions = [Make()];
    private readonly Lock _lock = new();

    public string Name => name;

    public string Newest
    {
        get
        {
            lock (_lock)
            {
                return _versions[^1].Version;
            }
        }
    }

    /// <summary>As the store's sealed secrets use it.</summary>
    public WrappingKey Wrapping => new(
        (octets, _) => Task.FromResult(new WrappedKey($"{name}/{Newest}", Wrap(Newest, octets.Span) ?? [])),
        (wrapped, _) => Task.FromResult(Unwrap(wrapped.Wrapper[(name.Length + 1)..], wrapped.Octets.Span)
            ?? throw new StoreException(StoreFailure.Unreadable, "The vault's key has no such version.")),
        _ => Task.FromResult($"{name}/{Newest}"));

    /// <summary>Makes a new version, the newest.</summary>
    public void Rotate()
    {
        lock (_lock)
        {
            _versions.Add(Make());
        }
    }

    /// <summary>Takes a version away, as one that was disabled.</summary>
    public void Disable(string version)
    {
        lock (_lock)
        {
            _versions.RemoveAll(v => v.Version == version);
        }
    }

    /// <summary>Null where there is no such version.</summary>
    public byte[]? Wrap(string version, ReadOnlySpan<byte> octets) => Find(version)?.Encrypt(octets, RSAEncryptionPadding.OaepSHA256);

    /// <inheritdoc cref="Wrap"/>
    /// <exception cref="CryptographicException">It has not wrapped these octets.</exception>
    public byte[]? Unwrap(string version, ReadOnlySpan<byte> octets) => Find(version)?.Decrypt(octets, RSAEncryptionPadding.OaepSHA256);

    /// <summary>The public half of a version; null where there is no such version.</summary>
    public RSAParameters? Public(string version) => Find(version)?.ExportParameters(includePrivateParameters: false);

    public void Dispose() => _versions.ForEach(v => v.Key.Dispose());

    private RSA? Find(string version)
    {
        lock (_lock)
        {
            return _versions.Find(v => v.Version == version).Key;
        }
    }

    private static (string Version, RSA Key) Make() => (Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), RSA.Create(KeyBits));
}
