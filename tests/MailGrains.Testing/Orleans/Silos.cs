using System.Net;
using MailGrains.Storage.Tables;
using Orleans;
using Orleans.Runtime;
using Xunit;

namespace MailGrains.Testing.Orleans;

/// <summary>Silos for the tests of the membership table, numbered; the number is the generation.</summary>
internal static class Silos
{
    /// <summary>To the millisecond, which is what a row keeps.</summary>
    public static readonly DateTime Noon = new(2026, 3, 4, 12, 0, 0, 125, DateTimeKind.Utc);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<OrleansOnStore> InitializedAsync(ITableStore store)
    {
        var orleans = new OrleansOnStore(store);
        await orleans.Membership.InitializeMembershipTableAsync(true, Cancellation);
        return orleans;
    }

    public static SiloAddress Address(int number) => SiloAddress.New(IPAddress.Parse($"10.0.{number / 250}.{number % 250}"), 11111, number);

    public static MembershipEntry Silo(int number, SiloStatus status = SiloStatus.Active) => new()
    {
        SiloAddress = Address(number),
        Status = status,
        ProxyPort = 30000 + number,
        HostName = "host" + number,
        SiloName = "silo" + number,
        StartTime = Noon,
        IAmAliveTime = Noon.AddSeconds(1),
    };

    public static async Task<bool> InsertAsync(OrleansOnStore orleans, MembershipEntry silo)
    {
        var all = await orleans.Membership.ReadAllAsync(Cancellation);
        return await orleans.Membership.InsertRowAsync(silo, all.Version.Next(), Cancellation);
    }

    public static async Task<(MembershipEntry Silo, string ETag, TableVersion Version)> ReadAsync(OrleansOnStore orleans, int number)
    {
        var all = await orleans.Membership.ReadAllAsync(Cancellation);
        var (silo, etag) = all.Members.Single(member => member.Item1.SiloAddress.Equals(Address(number)));
        return (silo, etag, all.Version);
    }

    public static void AssertSame(MembershipEntry expected, MembershipEntry actual)
    {
        Assert.Equal(expected.SiloAddress, actual.SiloAddress);
        Assert.Equal(expected.Status, actual.Status);
        Assert.Equal(expected.ProxyPort, actual.ProxyPort);
        Assert.Equal(expected.HostName, actual.HostName);
        Assert.Equal(expected.SiloName, actual.SiloName);
        Assert.Equal(expected.RoleName, actual.RoleName);
        Assert.Equal((expected.UpdateZone, expected.FaultZone), (actual.UpdateZone, actual.FaultZone));
        Assert.Equal((expected.StartTime, expected.IAmAliveTime), (actual.StartTime, actual.IAmAliveTime));
        Assert.Equal(DateTimeKind.Utc, actual.IAmAliveTime.Kind);
        Assert.Equal(expected.SuspectTimes ?? [], actual.SuspectTimes ?? []);
    }
}
