using System.Text;
using MailGrains.Storage.Secrets;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Azure;

namespace MailGrains.Storage.Tests.Secrets;

/// <summary>Secrets in a store, with and without a vault; the store of a test is its own.</summary>
public abstract class SecretContract : IAsyncLifetime
{
    private const string Value = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----\n";

    private readonly RsaKey _vault = new("mailgrains-data");
    private StorageAccounts? _accounts;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private StorageAccounts Accounts => _accounts!;

    protected abstract Task<StorageAccounts> OpenAsync();

    protected abstract ValueTask CloseAsync();

    public async ValueTask InitializeAsync() => _accounts = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _vault.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Many_that_make_one_at_once_get_the_same(bool vault)
    {
        var made = await Task.WhenAll(Enumerable.Range(0, 16).Select(async i =>
            (await Rows(await SealAsync(vault)).FindOrMakeAsync("one", () => $"value {i}", Token)).Value));

        Assert.Single(made.Distinct());
        Assert.Equal(made[0], (await Rows(await SealAsync(vault)).FindAsync("one", Token))!.Value);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task One_is_inserted_once_replaced_by_its_reader_only_and_deleted_likewise(bool vault)
    {
        var rows = Rows(await SealAsync(vault));
        var first = await rows.TryInsertAsync("*.example.org", "first", Token);
        Assert.Null(await rows.TryInsertAsync("*.example.org", "other", Token));
        Assert.Equal(first, await rows.FindAsync("*.example.org", Token));

        var second = await rows.TryReplaceAsync(first!, "second", Token);
        Assert.Null(await rows.TryReplaceAsync(first!, "late", Token));
        Assert.Equal(second, await rows.FindAsync("*.example.org", Token));

        Assert.False(await rows.TryDeleteAsync(first!, Token));
        Assert.True(await rows.TryDeleteAsync(second!, Token));
        Assert.Null(await rows.FindAsync("*.example.org", Token));
        Assert.Null(await rows.TryReplaceAsync(second!, "gone", Token));
        Assert.False(await rows.TryDeleteAsync(second!, Token));
    }

    [Fact]
    public async Task A_partition_of_one_kind_is_listed_whole_and_alone()
    {
        var seal = await SealAsync(vault: true);
        var rows = new SecretRows(Accounts, seal, "kind");
        await new SecretRows(Accounts, SecretSeal.None, "kind").TryInsertAsync("b", "2", Token);
        await rows.TryInsertAsync("*.a", "1", Token);
        await new SecretRows(Accounts, seal, "kinds").TryInsertAsync("c", "3", Token);

        Assert.Equal([("*.a", "1"), ("b", "2")], await rows.ListAsync(Token).Select(r => (r.Name, r.Value)).OrderBy(r => r.Value).ToListAsync(Token));
    }

    [Fact]
    public async Task What_a_vault_seals_is_nowhere_in_the_tables()
    {
        await Rows(await SealAsync(vault: true)).TryInsertAsync("tls", Value, Token);

        var stored = await DumpAsync();
        Assert.Contains("tls", stored, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE KEY", stored, StringComparison.Ordinal);
        Assert.DoesNotContain("MIGHAgEAMBMGByqGSM49", stored, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_stored_before_there_was_a_vault_is_read_and_sealed_when_it_is_replaced()
    {
        var plain = await Rows(SecretSeal.None).TryInsertAsync("tls", Value, Token);
        Assert.Contains("PRIVATE KEY", await DumpAsync(), StringComparison.Ordinal);

        var rows = Rows(await SealAsync(vault: true));
        Assert.Equal(plain, await rows.FindAsync("tls", Token));
        await rows.TryReplaceAsync(plain!, Value, Token);

        Assert.DoesNotContain("PRIVATE KEY", await DumpAsync(), StringComparison.Ordinal);
        Assert.Equal(Value, (await rows.FindAsync("tls", Token))!.Value);
    }

    [Fact]
    public async Task Where_there_always_was_a_vault_one_that_is_not_sealed_is_refused_and_not_replaced()
    {
        var foreign = await Rows(SecretSeal.None).TryInsertAsync("srs", "of somebody who has no vault", Token);
        var rows = Rows(await SecretSeal.OpenAsync(Accounts, _vault.Wrapping, Token, takesPlain: false));

        var refused = await Assert.ThrowsAsync<StoreException>(() => rows.FindOrMakeAsync("srs", () => "other", Token));
        Assert.Equal(StoreFailure.Unreadable, refused.Failure);
        Assert.Contains("MailGrains:Vault:TakesPlain", refused.Message, StringComparison.Ordinal);
        Assert.Equal(foreign, await Rows(SecretSeal.None).FindAsync("srs", Token));
        await rows.FindOrMakeAsync("tls", () => Value, Token);
        Assert.Equal(Value, (await rows.FindAsync("tls", Token))!.Value);
    }

    [Fact]
    public async Task Without_the_vault_a_sealed_one_is_refused_and_not_replaced()
    {
        var kept = await Rows(await SealAsync(vault: true)).TryInsertAsync("srs", "kept", Token);

        var refused = await Assert.ThrowsAsync<StoreException>(() => Rows(SecretSeal.None).FindOrMakeAsync("srs", () => "other", Token));
        Assert.Equal(StoreFailure.Unreadable, refused.Failure);
        Assert.Contains("MailGrains:Vault:Uri", refused.Message, StringComparison.Ordinal);
        Assert.Equal(kept, await Rows(await SealAsync(vault: true)).FindAsync("srs", Token));
    }

    [Fact]
    public async Task After_a_rotation_what_was_sealed_opens_and_the_old_version_may_go()
    {
        await Rows(await SealAsync(vault: true)).TryInsertAsync("srs", "kept", Token);
        var first = _vault.Newest;
        _vault.Rotate();

        Assert.Equal("kept", (await Rows(await SealAsync(vault: true)).FindAsync("srs", Token))!.Value);
        _vault.Disable(first);
        Assert.Equal("kept", (await Rows(await SealAsync(vault: true)).FindAsync("srs", Token))!.Value);
    }

    [Fact]
    public async Task A_row_that_is_copied_to_another_name_or_partition_does_not_open()
    {
        var rows = Rows(await SealAsync(vault: true));
        await rows.TryInsertAsync("one", "kept", Token);
        var row = (await Accounts.Directory.Tables.ReadAsync(TableNames.Directory, SecretRows.Shared, "one", Token))!;
        await CommitAsync(SecretRows.Shared, TableOperation.Insert("other", row.Properties));
        await CommitAsync("others", TableOperation.Insert("one", row.Properties));

        await Assert.ThrowsAsync<StoreException>(() => rows.FindAsync("other", Token));
        await Assert.ThrowsAsync<StoreException>(() => new SecretRows(Accounts, SecretSeal.None, "others").FindAsync("one", Token));
    }

    [Fact]
    public async Task A_row_as_the_first_release_wrote_it_is_read_and_what_is_written_without_a_vault_is_the_same()
    {
        RowProperties written = new([new("f", 1L), new("key", "abc")]);
        await CommitAsync("secrets", TableOperation.Insert("srs", written));
        Assert.Equal("abc", (await Rows(SecretSeal.None).FindAsync("srs", Token))!.Value);
        Assert.Equal("abc", (await Rows(await SealAsync(vault: true)).FindAsync("srs", Token))!.Value);

        await Rows(SecretSeal.None).TryInsertAsync("now", "abc", Token);
        var now = (await Accounts.Directory.Tables.ReadAsync(TableNames.Directory, "secrets", "now", Token))!;
        Assert.Equal((1L, "abc", 2), (now.Number("f"), now.Text("key"), now.Properties.Count));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(2)]
    [InlineData(1)]
    public async Task One_of_a_later_release_or_damaged_is_refused_and_not_replaced(long format)
    {
        await CommitAsync("secrets", TableOperation.Insert("srs", new RowProperties([new("f", format), new("x", "y")])));

        var refused = await Assert.ThrowsAsync<StoreException>(async () => await Rows(await SealAsync(vault: true)).FindOrMakeAsync("srs", () => "other", Token));
        Assert.Equal(StoreFailure.Unreadable, refused.Failure);
    }

    [Fact]
    public async Task A_value_over_the_limit_is_refused_and_one_at_it_is_kept()
    {
        var longest = new string('x', SecretRows.MaxValueBytes);
        foreach (var vault in new[] { false, true })
        {
            var rows = Rows(await SealAsync(vault));
            Assert.NotNull(await rows.TryInsertAsync($"longest {vault}", longest, Token));
            Assert.Equal(longest, (await rows.FindAsync($"longest {vault}", Token))!.Value);
            var refused = await Assert.ThrowsAsync<StoreException>(() => rows.TryInsertAsync("longer", longest + "x", Token));
            Assert.Equal(StoreFailure.Refused, refused.Failure);
        }
    }

    private SecretRows Rows(SecretSeal seal) => new(Accounts, seal, SecretRows.Shared);

    private async Task<SecretSeal> SealAsync(bool vault) => vault ? await SecretSeal.OpenAsync(Accounts, _vault.Wrapping, Token) : SecretSeal.None;

    private async Task CommitAsync(string partition, TableOperation operation) =>
        Assert.True((await Accounts.Directory.Tables.CommitAsync(TableNames.Directory, partition, [operation], Token)).Committed);

    private async Task<string> DumpAsync()
    {
        var dump = new StringBuilder();
        await foreach (var row in Accounts.Directory.Tables.ReadPartitionsAsync(TableNames.Directory, KeyRange.All, Token))
        {
            foreach (var (name, value) in row.Properties)
            {
                dump.Append(row.Row).Append(' ').Append(name).Append('=').Append(value.AsText);
                dump.Append(value.AsBytes is { } bytes ? Encoding.Latin1.GetString(bytes.Span) : "").Append('\n');
            }
        }

        return dump.ToString();
    }
}
