using MailGrains.Storage.Secrets;
using MailGrains.Storage.Sqlite;
using MailGrains.Testing.Azure;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Storage.Tests.Secrets;

public sealed class SecretSealTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mailgrains-seal-").FullName;
    private readonly SqliteStore _store;
    private readonly RsaKey _vault = new("data");

    public SecretSealTests() => _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => default;

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        _vault.Dispose();
    }

    [Fact]
    public async Task What_is_sealed_opens_for_its_name_only_and_never_looks_the_same_twice()
    {
        var seal = await OpenAsync();
        byte[] octets = [1, 2, 3];

        var sealedOnce = seal.Seal("p/one", octets);
        Assert.NotEqual(sealedOnce, seal.Seal("p/one", octets));
        Assert.Equal(octets, (await OpenAsync()).Open("p/one", sealedOnce));
        Assert.Equal(StoreFailure.Unreadable, Assert.Throws<StoreException>(() => seal.Open("p/two", sealedOnce)).Failure);
        Assert.Empty(seal.Open("p/none", seal.Seal("p/none", [])));
    }

    [Fact]
    public async Task Each_changed_bit_and_each_shorter_envelope_is_seen()
    {
        var seal = await OpenAsync();
        var envelope = seal.Seal("p/one", [1, 2, 3]);

        for (var bit = 0; bit < envelope.Length * 8; bit++)
        {
            byte[] changed = [.. envelope];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<StoreException>(() => seal.Open("p/one", changed));
        }

        for (var length = 0; length < envelope.Length; length++)
        {
            Assert.Throws<StoreException>(() => seal.Open("p/one", envelope.AsSpan(0, length)));
        }
    }

    [Fact]
    public async Task A_data_key_that_the_vaults_key_does_not_open_is_never_replaced()
    {
        var sealedBefore = (await OpenAsync()).Seal("p/one", [1]);
        using var other = new RsaKey("data");

        var refused = await Assert.ThrowsAsync<StoreException>(() => SecretSeal.OpenAsync(_store.Accounts, other.Wrapping, Token));
        Assert.Equal(StoreFailure.Unreadable, refused.Failure);
        Assert.Equal([1], (await OpenAsync()).Open("p/one", sealedBefore));
    }

    [Fact]
    public async Task The_data_key_is_asked_of_the_vault_once_and_wrapped_anew_only_after_a_rotation()
    {
        var (wraps, unwraps) = (0, 0);
        var counted = new WrappingKey(
            (octets, token) =>
            {
                wraps++;
                return _vault.Wrapping.WrapAsync(octets, token);
            },
            (wrapped, token) =>
            {
                unwraps++;
                return _vault.Wrapping.UnwrapAsync(wrapped, token);
            },
            _vault.Wrapping.NewestAsync);

        var first = await SecretSeal.OpenAsync(_store.Accounts, counted, Token);
        first.Open("p/one", first.Seal("p/one", [1]));
        await SecretSeal.OpenAsync(_store.Accounts, counted, Token);
        Assert.Equal((1, 1), (wraps, unwraps));

        _vault.Rotate();
        await SecretSeal.OpenAsync(_store.Accounts, counted, Token);
        await SecretSeal.OpenAsync(_store.Accounts, counted, Token);
        Assert.Equal((2, 3), (wraps, unwraps));
    }

    [Fact]
    public async Task A_start_needs_the_data_key_unwrapped_and_not_that_it_can_be_wrapped_anew()
    {
        var sealedBefore = (await OpenAsync()).Seal("p/one", [1]);
        _vault.Rotate();
        var asked = 0;
        var failing = _vault.Wrapping with
        {
            WrapAsync = (_, _) =>
            {
                asked++;
                throw new StoreException(StoreFailure.Unavailable, "The vault is busy.");
            },
        };

        var seal = await SecretSeal.OpenAsync(_store.Accounts, failing, Token);
        Assert.Equal([1], seal.Open("p/one", sealedBefore));
        Assert.Equal(1, asked);
    }

    [Fact]
    public async Task A_start_does_not_wait_long_for_what_it_does_not_need_and_warns()
    {
        await OpenAsync();
        var wrapper = $"data/{_vault.Newest}";
        _vault.Rotate();
        var (time, log) = (new FakeTimeProvider(), new Lines());
        var hanging = _vault.Wrapping with
        {
            WrapAsync = async (_, token) =>
            {
                time.Advance(TimeSpan.FromSeconds(11));
                await Task.Delay(Timeout.Infinite, token);
                throw new InvalidOperationException("What hangs has ended.");
            },
        };

        Assert.True((await SecretSeal.OpenAsync(_store.Accounts, hanging, Token, logger: log, time: time)).Seals);

        var line = Assert.Single(log.Of);
        Assert.StartsWith("Warning: The data key can't be wrapped", line, StringComparison.Ordinal);
        Assert.Contains(wrapper, line, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_vault_nothing_is_sealed() => Assert.Throws<InvalidOperationException>(() => SecretSeal.None.Seal("p/one", [1]));

    private Task<SecretSeal> OpenAsync() => SecretSeal.OpenAsync(_store.Accounts, _vault.Wrapping, Token);

    private sealed class Lines : ILogger
    {
        public List<string> Of { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Of.Add($"{logLevel}: {formatter(state, exception)}");
    }
}
