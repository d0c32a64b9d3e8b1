using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using MailGrains.Contracts;
using MailGrains.Contracts.Directory;

namespace MailGrains.Grains.Directory;

/// <summary>How passwords are hashed and checked on this silo; immutable.</summary>
public sealed record PasswordOptions
{
    /// <summary>The least that RFC 7677 §4 allows.</summary>
    public const int MinIterations = 4_096;

    private readonly int _iterations = 15_000;

    /// <summary>Rounds of PBKDF2 for new verifiers; those that are stored keep theirs.</summary>
    public int Iterations
    {
        get => _iterations;
        init => _iterations = value >= MinIterations
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, $"At least {MinIterations} iterations (RFC 7677).");
    }

    /// <summary>Derivations that run at once: guessing must not take the cores that mail needs.</summary>
    public int MaxConcurrent { get; init; } = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>Derivations that wait; one more is refused for the moment.</summary>
    public int MaxWaiting { get; init; } = 200;
}

/// <summary>
/// Does the costly part of passwords for all accounts of a silo, off the grains' schedulers, few at a time. A check without a verifier costs as much
/// as one with a new one, so that the time of an answer does not tell accounts from other names.
/// </summary>
public sealed class PasswordChecks : IDisposable
{
    private readonly PasswordOptions _options;
    private readonly SemaphoreSlim _slots;
    private readonly ScramVerifier _nobody;
    private readonly ScramVerifier _nobodySha1;
    private readonly Counter<long> _rounds;
    private int _waiting;

    public PasswordChecks(PasswordOptions options, IMeterFactory meters)
    {
        _rounds = meters.Create(GrainMetrics.MeterName).CreateCounter<long>("mailgrains.password.rounds", "{round}", "Rounds of PBKDF2, what passwords cost.");
        _options = options;
        _slots = new SemaphoreSlim(options.MaxConcurrent);
        _nobody = Random(SHA256.HashSizeInBytes);
        _nobodySha1 = Random(SHA1.HashSizeInBytes);
    }

    public void Dispose() => _slots.Dispose();

    /// <exception cref="StoreUnavailableException">Too many passwords are being checked.</exception>
    internal Task<bool> VerifyAsync(ScramVerifier? verifier, string prepared, CancellationToken cancellationToken)
    {
        var checkedBy = verifier ?? _nobody;
        return RunAsync(() => checkedBy.Verify(HashAlgorithmName.SHA256, prepared) && verifier is not null, checkedBy.Iterations, cancellationToken);
    }

    /// <summary>RFC 5802 §3; cheap, so it is done at once: the client has done the rounds.</summary>
    /// <returns>The server's signature, or null where the proof is wrong.</returns>
    internal byte[]? Verify(ScramVerifier? verifier, ScramDigest digest, byte[] authMessage, byte[] clientProof)
    {
        var secret = (verifier ?? (digest == ScramDigest.Sha1 ? _nobodySha1 : _nobody)).ToSecret(digest);
        return secret.Check(authMessage, clientProof) && verifier is not null ? secret.Sign(authMessage) : null;
    }

    /// <exception cref="StoreUnavailableException">Too many passwords are being checked.</exception>
    internal Task<(ScramVerifier Sha256, ScramVerifier Sha1)> MakeAsync(string prepared, CancellationToken cancellationToken) => RunAsync(
        () => (ScramVerifier.Make(HashAlgorithmName.SHA256, prepared, _options.Iterations),
            ScramVerifier.Make(HashAlgorithmName.SHA1, prepared, _options.Iterations)),
        2 * _options.Iterations,
        cancellationToken);

    /// <summary>A verifier that nothing fits.</summary>
    private ScramVerifier Random(int hashBytes) => new(
        _options.Iterations, RandomNumberGenerator.GetBytes(ScramVerifier.SaltBytes), RandomNumberGenerator.GetBytes(hashBytes),
        RandomNumberGenerator.GetBytes(hashBytes));

    private async Task<T> RunAsync<T>(Func<T> derive, int rounds, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > _options.MaxWaiting + _options.MaxConcurrent)
        {
            Interlocked.Decrement(ref _waiting);
            throw new StoreUnavailableException("Too many passwords are being checked.");
        }

        try
        {
            await _slots.WaitAsync(cancellationToken);
            try
            {
                _rounds.Add(rounds);
                return await Task.Run(derive, CancellationToken.None);
            }
            finally
            {
                _slots.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
