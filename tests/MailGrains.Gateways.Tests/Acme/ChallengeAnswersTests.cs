using MailGrains.Gateways.Acme;
using MailGrains.Storage;
using MailGrains.Storage.Sqlite;
using MailGrains.Storage.Tables;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Gateways.Tests.Acme;

public sealed class ChallengeAnswersTests : IAsyncDisposable
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("mailgrains-").FullName;
    private readonly SqliteStore _store;
    private readonly CountedTables _tables;
    private readonly FakeTimeProvider _time = new();
    private readonly ChallengeRows _rows;
    private readonly ChallengeAnswers _answers;

    public ChallengeAnswersTests()
    {
        _store = SqliteStore.Open(new SqliteStoreOptions { Path = _folder });
        _tables = new CountedTables(_store.Tables);
        _rows = new ChallengeRows(new StorageAccounts([new StorageAccount(0, _tables, _store.Blobs)], _tables), _time);
        _answers = new ChallengeAnswers(_rows, _time);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_published_before_the_question_is_found()
    {
        Assert.Null(await _answers.FindAsync(Token(1), Stop));
        await _rows.PublishAsync(Token(2), "answer", Stop);

        var asked = _answers.FindAsync(Token(2), Stop);
        await AdvanceUntilAsync(asked);

        Assert.Equal("answer", await asked);
    }

    [Fact]
    public async Task Many_who_try_tokens_cost_one_reading_a_second()
    {
        Assert.Null(await _answers.FindAsync(Token(0), Stop));
        var asked = Enumerable.Range(1, 150).Select(i => _answers.FindAsync(Token(i), Stop)).ToList();
        var all = Task.WhenAll(asked);
        await AdvanceUntilAsync(all);

        Assert.All(await all, Assert.Null);
        Assert.Equal(2, _tables.Readings);
    }

    [Fact]
    public async Task A_flood_of_tokens_is_bounded_and_keeps_no_answer_from_being_found()
    {
        Assert.Null(await _answers.FindAsync(Token(0), Stop));
        await _rows.PublishAsync(Token(1), "answer", Stop);
        var flood = Enumerable.Range(2, 3_000).Select(i => _answers.FindAsync(Token(i), Stop)).ToList();
        Assert.True(flood.Count(task => task.IsCompletedSuccessfully) >= 2_000);
        await AdvanceUntilAsync(Task.WhenAll(flood));

        flood = [.. Enumerable.Range(2, 3_000).Select(i => _answers.FindAsync(Token(i), Stop))];
        var found = _answers.FindAsync(Token(1), Stop);

        Assert.True(found.IsCompleted);
        Assert.Equal("answer", await found);
        await AdvanceUntilAsync(Task.WhenAll(flood));
    }

    [Theory]
    [InlineData("")]
    [InlineData("short")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA.")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA=")]
    public async Task A_malformed_token_costs_no_reading(string token)
    {
        Assert.Null(await _answers.FindAsync(token, Stop));
        Assert.Equal(0, _tables.Readings);
    }

    [Fact]
    public async Task What_a_lost_silo_left_is_swept_away_after_a_day()
    {
        await _rows.PublishAsync(Token(1), "old", Stop);
        _time.Advance(TimeSpan.FromHours(25));
        await _rows.PublishAsync(Token(2), "new", Stop);

        await _rows.SweepAsync(Stop);

        Assert.Equal("new", Assert.Single(await _rows.ReadAsync(Stop)).Value);
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }

    private static string Token(int i) => $"AAAAAAAAAAAAAAAAAAAAAA{i}";

    private async Task AdvanceUntilAsync(Task task)
    {
        while (!task.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(250));
            await Task.Yield();
        }
    }

    private sealed class CountedTables(ITableStore inner) : ITableStore
    {
        private int _readings;

        public int Readings => _readings;

        public ValueTask<TableRow?> ReadAsync(string table, string partition, string row, CancellationToken cancellationToken) =>
            inner.ReadAsync(table, partition, row, cancellationToken);

        public IAsyncEnumerable<TableRow> ReadRowsAsync(string table, string partition, KeyRange rows, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _readings);
            return inner.ReadRowsAsync(table, partition, rows, cancellationToken);
        }

        public IAsyncEnumerable<TableRow> ReadPartitionsAsync(string table, KeyRange partitions, CancellationToken cancellationToken) =>
            inner.ReadPartitionsAsync(table, partitions, cancellationToken);

        public ValueTask<TableCommit> CommitAsync(
            string table, string partition, IReadOnlyList<TableOperation> operations, CancellationToken cancellationToken) =>
            inner.CommitAsync(table, partition, operations, cancellationToken);
    }
}
