using MailGrains.Gateways.Acme;
using MailGrains.Storage.Secrets;

namespace MailGrains.Gateways.Tests.Acme;

public sealed class CertificateAlarmsTests
{
    private static readonly DateTimeOffset Start = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly AcmeOptions Options = new() { Directory = new Uri("https://acme.test/dir"), Names = ["mx.test"] };

    private readonly CertificateAlarms _alarms = new(Options, Start);

    [Fact]
    public void What_a_look_found_is_judged_by_the_time_that_it_is_now()
    {
        _alarms.Saw([Stored(new("", "mx.test"), new CertificateRecord { Names = ["mx.test"], FailingSince = Start, NotBefore = Start, NotAfter = Start.AddDays(90) })], Start);

        Assert.Empty(_alarms.Watch(Start.AddMinutes(59)).Failing);
        Assert.Equal("/mx.test", Assert.Single(_alarms.Watch(Start.AddHours(1)).Failing).Key);
        Assert.Empty(_alarms.Watch(Start.AddDays(74)).Ending);
        Assert.Single(_alarms.Watch(Start.AddDays(76)).Ending);
    }

    [Fact]
    public void Runs_that_have_not_gone_well_for_an_hour_are_told_until_one_does()
    {
        Assert.Null(_alarms.Watch(Start.AddMinutes(59)).StalledSince);
        Assert.Equal(Start, _alarms.Watch(Start.AddHours(2)).StalledSince);

        _alarms.Succeeded(Start.AddHours(2));

        Assert.Null(_alarms.Watch(Start.AddHours(2.5)).StalledSince);
        Assert.Equal(Start.AddHours(2), _alarms.Watch(Start.AddHours(3)).StalledSince);
        Assert.Null(new CertificateAlarms(Options with { Directory = null }, Start).Watch(Start.AddHours(2)).StalledSince);
    }

    [Fact]
    public void Names_that_are_not_configured_any_more_raise_no_alarm()
    {
        _alarms.Saw([Stored(new("", "old.test"), new CertificateRecord { FailingSince = Start, NotBefore = Start, NotAfter = Start.AddDays(90) })], Start);

        var watch = _alarms.Watch(Start.AddDays(80));

        Assert.Empty(watch.Failing);
        Assert.Empty(watch.Ending);
    }

    [Fact]
    public void One_that_can_not_be_read_is_said_once_and_shown_until_it_can()
    {
        var broken = new ListedCertificate(new("one", "one.test"), null, "damaged");

        Assert.Equal([broken], _alarms.Saw([broken], Start));
        Assert.Empty(_alarms.Saw([broken], Start.AddMinutes(5)));
        var shown = Assert.Single(_alarms.Watch(Start.AddMinutes(5)).Failing);
        Assert.Equal(("one/one.test", "damaged", Start), (shown.Key, shown.LastError, shown.FailingSince!.Value));

        _alarms.Saw([], Start.AddMinutes(10));
        Assert.Empty(_alarms.Watch(Start.AddMinutes(10)).Failing);
        Assert.Equal([broken], _alarms.Saw([broken], Start.AddMinutes(15)));
    }

    private static ListedCertificate Stored(CertificateKey key, CertificateRecord record) =>
        new(key, new StoredCertificate(key, record, new SecretRow(key.ToString(), "", "1")), null);
}
