using System.Text;
using MailGrains.Storage;
using MailGrains.Storage.Orleans;
using MailGrains.Storage.Tables;
using Microsoft.Extensions.DependencyInjection;
using Orleans;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Storage;
using Xunit;

namespace MailGrains.Testing.Orleans;

/// <summary>What Orleans 10.4 asks of a grain storage, and how the rows look; bound to every store.</summary>
public abstract class GrainStorageContract
{
    private const string Table = "OrleansGrainState";
    private static readonly GrainId Box = GrainId.Create("box", "tenant/a");

    protected abstract ITableStore Store { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AStateThatWasNeverWrittenIsFresh()
    {
        using var orleans = new OrleansOnStore(Store);
        var state = new StoredState<Settings>(new Settings { Name = "left over" }, "stale") { RecordExists = true };
        await orleans.GrainStorage.ReadStateAsync("settings", Box, state, Cancellation);
        Assert.Equal((null, false, "", 0), (state.ETag, state.RecordExists, state.State.Name, state.State.Data.Length));
    }

    [Fact]
    public async Task AStateIsReadAsItWasWritten()
    {
        using var orleans = new OrleansOnStore(Store);
        var written = await WriteAsync(orleans, Box, "settings", "one");
        var read = await ReadAsync(orleans, Box, "settings");
        Assert.Equal((true, "one", written.ETag), (read.RecordExists, read.State.Name, read.ETag));
        Assert.True(written.RecordExists);
    }

    [Fact]
    public async Task EachWriteChangesTheETagThoughTheStateIsTheSame()
    {
        using var orleans = new OrleansOnStore(Store);
        var state = await WriteAsync(orleans, Box, "settings", "one");
        var etags = new HashSet<string?> { state.ETag };
        for (var i = 0; i < 5; i++)
        {
            await orleans.GrainStorage.WriteStateAsync("settings", Box, state, Cancellation);
            Assert.True(etags.Add(state.ETag));
        }
    }

    [Fact]
    public async Task ASecondFirstWriteIsInconsistent()
    {
        using var orleans = new OrleansOnStore(Store);
        var first = await WriteAsync(orleans, Box, "settings", "one");
        var error = await Assert.ThrowsAsync<InconsistentStateException>(() => WriteAsync(orleans, Box, "settings", "two"));
        Assert.Equal((first.ETag, null), (error.StoredEtag, error.CurrentEtag));
        Assert.Equal("one", (await ReadAsync(orleans, Box, "settings")).State.Name);
    }

    [Fact]
    public async Task AWriteOnAStaleETagIsInconsistentAndChangesNothing()
    {
        using var orleans = new OrleansOnStore(Store);
        await WriteAsync(orleans, Box, "settings", "one");
        var (fast, slow) = (await ReadAsync(orleans, Box, "settings"), await ReadAsync(orleans, Box, "settings"));
        var read = slow.ETag;
        fast.State.Name = "fast";
        await orleans.GrainStorage.WriteStateAsync("settings", Box, fast, Cancellation);
        slow.State.Name = "slow";
        var error = await Assert.ThrowsAsync<InconsistentStateException>(
            () => orleans.GrainStorage.WriteStateAsync("settings", Box, slow, Cancellation));
        Assert.Equal((fast.ETag, read), (error.StoredEtag, error.CurrentEtag));
        Assert.Equal(read, slow.ETag);
        Assert.Equal("fast", (await ReadAsync(orleans, Box, "settings")).State.Name);
    }

    [Fact]
    public async Task OfParallelFirstWritesOneWins()
    {
        using var orleans = new OrleansOnStore(Store);
        var writes = Enumerable.Range(0, 6).Select(i => Task.Run(async () =>
        {
            try
            {
                await WriteAsync(orleans, Box, "settings", "writer" + i);
                return i;
            }
            catch (InconsistentStateException)
            {
                return -1;
            }
        })).ToArray();
        var winner = Assert.Single(await Task.WhenAll(writes), i => i >= 0);
        Assert.Equal("writer" + winner, (await ReadAsync(orleans, Box, "settings")).State.Name);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnUpdateOfAStateThatIsNotThereIsInconsistent(bool delete)
    {
        using var orleans = new OrleansOnStore(Store, grainStorage: options => options.DeleteStateOnClear = delete);
        var stale = await WriteAsync(orleans, Box, "settings", "one");
        var other = await ReadAsync(orleans, Box, "settings");
        await orleans.GrainStorage.ClearStateAsync("settings", Box, other, Cancellation);
        await Assert.ThrowsAsync<InconsistentStateException>(() => orleans.GrainStorage.WriteStateAsync("settings", Box, stale, Cancellation));
        Assert.False((await ReadAsync(orleans, Box, "settings")).RecordExists);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AClearedStateIsFreshAndMayBeWrittenAgain(bool delete)
    {
        using var orleans = new OrleansOnStore(Store, grainStorage: options => options.DeleteStateOnClear = delete);
        var state = await WriteAsync(orleans, Box, "settings", "one");
        var etag = state.ETag;
        await orleans.GrainStorage.ClearStateAsync("settings", Box, state, Cancellation);
        Assert.Equal((false, ""), (state.RecordExists, state.State.Name));
        Assert.NotEqual(etag, state.ETag);

        var read = await ReadAsync(orleans, Box, "settings");
        Assert.Equal((false, "", state.ETag), (read.RecordExists, read.State.Name, read.ETag));
        await orleans.GrainStorage.ClearStateAsync("settings", Box, state, Cancellation);
        state.State.Name = "two";
        await orleans.GrainStorage.WriteStateAsync("settings", Box, state, Cancellation);
        Assert.Equal("two", (await ReadAsync(orleans, Box, "settings")).State.Name);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStateThatWasNeverWrittenMayBeCleared(bool delete)
    {
        using var orleans = new OrleansOnStore(Store, grainStorage: options => options.DeleteStateOnClear = delete);
        var state = new StoredState<Settings>(new Settings { Name = "unsaved" });
        await orleans.GrainStorage.ClearStateAsync("settings", Box, state, Cancellation);
        Assert.Equal((false, ""), (state.RecordExists, state.State.Name));
        Assert.False((await ReadAsync(orleans, Box, "settings")).RecordExists);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStaleClearIsInconsistentAndChangesNothing(bool delete)
    {
        using var orleans = new OrleansOnStore(Store, grainStorage: options => options.DeleteStateOnClear = delete);
        var stale = await WriteAsync(orleans, Box, "settings", "one");
        var current = await ReadAsync(orleans, Box, "settings");
        current.State.Name = "two";
        await orleans.GrainStorage.WriteStateAsync("settings", Box, current, Cancellation);

        await Assert.ThrowsAsync<InconsistentStateException>(() => orleans.GrainStorage.ClearStateAsync("settings", Box, stale, Cancellation));
        await Assert.ThrowsAsync<InconsistentStateException>(
            () => orleans.GrainStorage.ClearStateAsync("settings", Box, new StoredState<Settings>(new Settings()), Cancellation));
        Assert.Equal("one", stale.State.Name);
        Assert.Equal("two", (await ReadAsync(orleans, Box, "settings")).State.Name);
    }

    [Fact]
    public async Task NamedStatesAreIndependent()
    {
        using var orleans = new OrleansOnStore(Store);
        var settings = await WriteAsync(orleans, Box, "settings", "one");
        await WriteAsync(orleans, Box, "limits", "two");
        await orleans.GrainStorage.ClearStateAsync("settings", Box, settings, Cancellation);
        Assert.Equal("two", (await ReadAsync(orleans, Box, "limits")).State.Name);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(200 * 1024)]
    [InlineData(15 * 65_536)]
    public async Task AStateOfThisManyBytesIsReadAsItWasWritten(int size)
    {
        using var orleans = new OrleansOnStore(
            Store, grainStorage: options => options.GrainStorageSerializer = new PlainTextSerializer());
        var text = new string('x', Math.Max(0, size - 2)) + (size >= 2 ? "yz" : "");
        var state = new StoredState<string>(text);
        await orleans.GrainStorage.WriteStateAsync("big", Box, state, Cancellation);
        var read = new StoredState<string>("");
        await orleans.GrainStorage.ReadStateAsync("big", Box, read, Cancellation);
        Assert.True(read.RecordExists);
        Assert.Equal(text, read.State);
    }

    [Fact]
    public async Task AStateThatNoRowHoldsIsRefusedAndTheOldOneStays()
    {
        using var orleans = new OrleansOnStore(Store);
        var state = await WriteAsync(orleans, Box, "settings", "one");
        state.State.Data = new byte[15 * 65_536];
        var error = await Assert.ThrowsAsync<StoreException>(() => orleans.GrainStorage.WriteStateAsync("settings", Box, state, Cancellation));
        Assert.Equal(StoreFailure.Refused, error.Failure);
        Assert.Equal("one", (await ReadAsync(orleans, Box, "settings")).State.Name);
    }

    [Fact]
    public async Task AShorterStateLeavesNothingOfTheLongerOne()
    {
        using var orleans = new OrleansOnStore(Store);
        var state = await WriteAsync(orleans, Box, "settings", "one");
        state.State.Data = new byte[150_000];
        await orleans.GrainStorage.WriteStateAsync("settings", Box, state, Cancellation);
        state.State.Data = [1, 2, 3];
        await orleans.GrainStorage.WriteStateAsync("settings", Box, state, Cancellation);
        Assert.Equal([1, 2, 3], (await ReadAsync(orleans, Box, "settings")).State.Data);
    }

    [Fact]
    public async Task GrainsWhoseKeysFallTogetherNeverMeet()
    {
        using var orleans = new OrleansOnStore(Store);
        var (one, other) = (GrainId.Create("box", "a/b_c"), GrainId.Create("box", "a_b/c"));
        await WriteAsync(orleans, one, "settings", "of one tenant");
        foreach (var access in new Func<Task>[]
        {
            () => ReadAsync(orleans, other, "settings"),
            () => WriteAsync(orleans, other, "settings", "of another"),
            () => orleans.GrainStorage.ClearStateAsync("settings", other, new StoredState<Settings>(new Settings()), Cancellation),
        })
        {
            Assert.Equal(StoreFailure.Refused, (await Assert.ThrowsAsync<StoreException>(access)).Failure);
        }

        Assert.Equal("of one tenant", (await ReadAsync(orleans, one, "settings")).State.Name);
    }

    [Fact]
    public async Task TheRowLooksAsOrleansOwnProviderWritesIt()
    {
        using var orleans = new OrleansOnStore(Store);
        var state = await WriteAsync(orleans, Box, "settings/1", "one");
        state.State.Data = new byte[100_000];
        await orleans.GrainStorage.WriteStateAsync("settings/1", Box, state, Cancellation);

        var partition = $"{orleans.ServiceId}_box_tenant_a";
        var row = await Store.ReadAsync(Table, partition, "settings_1", Cancellation);
        Assert.Equal(["Data", "Data1", "GrainId"], row!.Properties.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(65_536, row.Bytes("Data")!.Value.Length);
        Assert.Equal("box/tenant/a", row.Text("GrainId"));

        await orleans.GrainStorage.ClearStateAsync("settings/1", Box, state, Cancellation);
        row = await Store.ReadAsync(Table, partition, "settings_1", Cancellation);
        Assert.Equal(["GrainId"], row!.Properties.Keys);
    }

    [Fact]
    public async Task AStateThatOrleansOwnProviderWroteAsTextIsRead()
    {
        using var orleans = new OrleansOnStore(
            Store, grainStorage: options => options.GrainStorageSerializer = new PlainTextSerializer());
        await Store.CommitAsync(
            Table,
            $"{orleans.ServiceId}_box_tenant_a",
            [TableOperation.Insert("old", new Dictionary<string, TableValue> { ["StringData"] = "first ", ["StringData1"] = "second" })],
            Cancellation);
        var state = new StoredState<string>("");
        await orleans.GrainStorage.ReadStateAsync("old", Box, state, Cancellation);
        Assert.Equal((true, "first second"), (state.RecordExists, state.State));
        await orleans.GrainStorage.WriteStateAsync("old", Box, state, Cancellation);
    }

    [Fact]
    public async Task AnUnreadableStateIsAnErrorAndStaysAsItIs()
    {
        using var orleans = new OrleansOnStore(Store);
        var partition = $"{orleans.ServiceId}_box_tenant_a";
        await Store.CommitAsync(
            Table, partition, [TableOperation.Insert("bad", new Dictionary<string, TableValue> { ["Data"] = new byte[] { 0xff, 0xff, 0xff } })], Cancellation);
        var error = await Assert.ThrowsAsync<StoreException>(() => ReadAsync(orleans, Box, "bad"));
        Assert.Equal(StoreFailure.Unreadable, error.Failure);
    }

    [Fact]
    public async Task StatesAreWrittenByOrleansOwnSerializerUnlessTheHostHasChosenAnother()
    {
        using var plain = new OrleansOnStore(Store);
        var orleansBytes = plain.Services.GetRequiredService<Serializer>().SerializeToArray(new Settings { Name = "one" });
        await WriteAsync(plain, Box, "settings", "one");
        Assert.Equal(orleansBytes, await DataAsync(plain));

        using var json = new OrleansOnStore(Store, configure: silo => silo.UseSystemTextJsonGrainStorageSerializer());
        await WriteAsync(json, Box, "settings", "one");
        Assert.StartsWith("{\"", Encoding.UTF8.GetString(await DataAsync(json)));
        Assert.Equal("one", (await ReadAsync(json, Box, "settings")).State.Name);

        async Task<byte[]> DataAsync(OrleansOnStore orleans) =>
            (await Store.ReadAsync(Table, $"{orleans.ServiceId}_box_tenant_a", "settings", Cancellation))!.Bytes("Data")!.Value.ToArray();
    }

    private static async Task<StoredState<Settings>> WriteAsync(OrleansOnStore orleans, GrainId grain, string stateName, string name)
    {
        var state = new StoredState<Settings>(new Settings { Name = name });
        await orleans.GrainStorage.WriteStateAsync(stateName, grain, state, Cancellation);
        return state;
    }

    private static async Task<StoredState<Settings>> ReadAsync(OrleansOnStore orleans, GrainId grain, string stateName)
    {
        var state = new StoredState<Settings>(new Settings());
        await orleans.GrainStorage.ReadStateAsync(stateName, grain, state, Cancellation);
        return state;
    }

    /// <summary>Writes a text as its UTF-8 bytes, so that a test says how long a state is.</summary>
    private sealed class PlainTextSerializer : IGrainStorageSerializer
    {
        public BinaryData Serialize<T>(T? input) => new((string)(object)input!);

        public T Deserialize<T>(BinaryData input) => (T)(object)input.ToString();
    }
}
