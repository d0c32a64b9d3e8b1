namespace MailGrains.Storage.Secrets;

/// <summary>
/// The key outside of the store that wraps the installation's data key: a vault's, which never leaves it. Both calls throw
/// <see cref="StoreException"/>; <see cref="StoreFailure.Unreadable"/> where the vault has no such key or the octets are not of it.
/// </summary>
/// <param name="WrapAsync">Wraps by the newest version.</param>
/// <param name="UnwrapAsync">Unwraps by the version that wrapped.</param>
/// <param name="NewestAsync">The newest version, as <see cref="WrappedKey.Wrapper"/> names it.</param>
public sealed record WrappingKey(
    Func<ReadOnlyMemory<byte>, CancellationToken, Task<WrappedKey>> WrapAsync,
    Func<WrappedKey, CancellationToken, Task<byte[]>> UnwrapAsync,
    Func<CancellationToken, Task<string>> NewestAsync);

/// <param name="Wrapper">Which version of which key wrapped it: <c>name/version</c>.</param>
public sealed record WrappedKey(string Wrapper, ReadOnlyMemory<byte> Octets);
