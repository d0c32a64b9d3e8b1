using MailGrains.Gateways.Acme;
using MailGrains.Gateways.Acme.Protocol;

namespace MailGrains.Gateways.Tests.Acme;

public sealed class RenewalScheduleTests
{
    private static readonly DateTimeOffset Start = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly CertificateKey Key = new("acme", "one.test");
    private static readonly string[] Names = ["mail.one.test"];
    private static readonly AcmeException Refusal = new("unauthorized", "no");
    private static readonly AcmeException Outage = new(AcmeException.NoAnswer, "gone");

    [Fact]
    public void What_there_is_no_certificate_for_is_due_at_once()
    {
        Assert.True(RenewalSchedule.IsDue(Key, new CertificateRecord(), Names, isWanted: false, Start));
    }

    [Theory]
    [InlineData(90)]
    [InlineData(6)]
    [InlineData(47)]
    public void A_certificate_is_renewed_about_a_third_of_its_life_before_its_end_and_not_all_of_a_day_at_once(int days)
    {
        var times = Enumerable.Range(0, 100).Select(i => RenewalSchedule.RenewAt(new CertificateKey("acme", $"d{i}.test"), Issued(days))!.Value).ToList();

        Assert.All(times, at => Assert.InRange((Start.AddDays(days) - at) / TimeSpan.FromDays(days), 1 / 3.0, 1 / 3.0 + 1 / 30.0 + 1e-9));
        Assert.True(times.Distinct().Count() > 90);
        var renew = RenewalSchedule.RenewAt(Key, Issued(days))!.Value;
        Assert.False(RenewalSchedule.IsDue(Key, Issued(days), Names, isWanted: false, renew.AddSeconds(-1)));
        Assert.True(RenewalSchedule.IsDue(Key, Issued(days), Names, isWanted: false, renew));
    }

    [Fact]
    public void A_name_that_has_come_makes_it_due_and_one_that_has_gone_does_not()
    {
        var record = Issued(90) with { Names = ["mail.one.test", "mta-sts.one.test"] };

        Assert.False(RenewalSchedule.IsDue(Key, record, ["mail.one.test"], isWanted: false, Start));
        Assert.True(RenewalSchedule.IsDue(Key, record with { Names = Names }, ["mail.one.test", "mta-sts.one.test"], isWanted: false, Start));
    }

    [Fact]
    public void What_the_authority_advises_counts()
    {
        var advised = RenewalSchedule.Advised(Key, Issued(90), (new AcmeWindow(Start.AddDays(2), Start.AddDays(3)), TimeSpan.FromHours(3)), Start);

        Assert.InRange(RenewalSchedule.RenewAt(Key, advised)!.Value, Start.AddDays(2), Start.AddDays(3));
        Assert.Equal(Start.AddHours(3), advised.AskRenewalAt);
        Assert.Equal(RenewalSchedule.RenewAt(Key, advised), RenewalSchedule.RenewAt(Key, RenewalSchedule.Advised(Key, advised, (new AcmeWindow(Start.AddDays(2), Start.AddDays(3)), null), Start.AddDays(1))));
        Assert.Equal(Start.AddHours(6), RenewalSchedule.Advised(Key, Issued(90), null, Start).AskRenewalAt);
    }

    [Fact]
    public void Advice_that_is_withdrawn_is_forgotten_and_none_lets_a_certificate_end()
    {
        var late = RenewalSchedule.Advised(Key, Issued(90), (new AcmeWindow(Start.AddDays(400), Start.AddDays(401)), null), Start);

        Assert.Equal(Start.AddDays(75), RenewalSchedule.RenewAt(Key, late));
        Assert.Equal(RenewalSchedule.RenewAt(Key, Issued(90)), RenewalSchedule.RenewAt(Key, RenewalSchedule.Advised(Key, late, null, Start.AddDays(1))));
    }

    [Fact]
    public void What_another_authority_issued_is_due_within_the_usual_limits_and_what_nobody_knows_the_issuer_of_is_not()
    {
        var moved = Issued(90) with { Directory = "https://former.test/dir" };

        Assert.True(IsDue(moved, "https://next.test/dir"));
        Assert.False(IsDue(moved, "https://former.test/dir"));
        Assert.False(IsDue(moved with { NextTry = Start.AddMinutes(5) }, "https://next.test/dir"));
        Assert.False(IsDue(moved with { Issued = [Start, Start, Start, Start] }, "https://next.test/dir"));
        Assert.False(IsDue(Issued(90), "https://next.test/dir"));

        static bool IsDue(CertificateRecord record, string directory) =>
            RenewalSchedule.IsDue(Key, record, Names, isWanted: false, Start.AddSeconds(1), directory);
    }

    [Fact]
    public void An_order_that_nothing_is_heard_of_is_asked_for_some_times_and_counts_as_issued_then()
    {
        var record = Issued(90) with { Pending = new PendingOrder("https://a.test/1", "key"), Tries = 3 };
        var asked = 0;
        for (; record.Pending is not null; asked++)
        {
            record = RenewalSchedule.Failed(Key, record, Outage, Start);
        }

        Assert.InRange(asked, 3, 10);
        Assert.Equal(2, record.Issued.Count);
        Assert.Null(RenewalSchedule.Failed(Key, Issued(90) with { Pending = new PendingOrder("https://a.test/1", "key") }, Refusal, Start).Pending);
    }

    [Fact]
    public void Failures_come_ever_later_and_never_five_in_an_hour()
    {
        var (record, now) = (new CertificateRecord { Names = Names }, Start);
        var attempts = new List<DateTimeOffset>();
        while (now < Start.AddDays(4))
        {
            if (RenewalSchedule.IsDue(Key, record, Names, isWanted: false, now))
            {
                attempts.Add(now);
                record = RenewalSchedule.Failed(Key, RenewalSchedule.Began(record, now), Refusal, now.AddSeconds(5));
            }

            now = now.AddMinutes(1);
        }

        Assert.All(attempts, at => Assert.InRange(attempts.Count(other => other >= at && other < at.AddHours(1)), 1, 4));
        Assert.InRange(attempts[1] - attempts[0], TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(8));
        Assert.InRange(attempts[^1] - attempts[^2], TimeSpan.FromDays(1), TimeSpan.FromDays(1.3));
        Assert.Equal((attempts[0].AddSeconds(5), "no"), (record.FailingSince, record.LastError));
    }

    [Fact]
    public void An_operator_who_asks_again_and_again_does_not_break_the_authoritys_limits()
    {
        var (failing, working) = (new CertificateRecord { Names = Names }, Issued(90));
        var (failures, issues) = (new List<DateTimeOffset>(), new List<DateTimeOffset>());
        for (var now = Start; now < Start.AddDays(8); now = now.AddMinutes(1))
        {
            if (RenewalSchedule.IsDue(Key, failing, Names, isWanted: true, now))
            {
                failures.Add(now);
                failing = RenewalSchedule.Failed(Key, RenewalSchedule.Began(failing, now), Refusal, now);
            }

            if (RenewalSchedule.IsDue(Key, working, Names, isWanted: true, now))
            {
                issues.Add(now);
                working = RenewalSchedule.Succeeded(RenewalSchedule.Began(working, now), now, now);
            }
        }

        Assert.All(failures, at => Assert.True(failures.Count(other => other >= at && other < at.AddHours(1)) <= 4));
        Assert.All(issues, at => Assert.True(issues.Count(other => other >= at && other < at.AddDays(7)) <= 4));
        Assert.True(issues.Count > 4);
    }

    [Fact]
    public void An_outage_is_tried_again_within_the_hour_however_long_it_lasts()
    {
        var (record, now) = (new CertificateRecord { Names = Names }, Start);
        for (var i = 0; i < 50; i++)
        {
            record = RenewalSchedule.Failed(Key, RenewalSchedule.Began(record, now), Outage, now);
            Assert.InRange(record.NextTry - now, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(72));
            now = record.NextTry;
        }
    }

    [Fact]
    public void A_limit_of_the_authority_is_kept_to_the_time_that_it_says()
    {
        var failure = new AcmeException(AcmeException.RateLimited, "too many", TimeSpan.FromHours(30));

        Assert.InRange(RenewalSchedule.Failed(Key, new CertificateRecord(), failure, Start).NextTry, Start.AddHours(30), Start.AddHours(37));
    }

    [Fact]
    public void An_order_that_was_lost_is_tried_again_soon_and_counts()
    {
        var began = RenewalSchedule.Began(new CertificateRecord { Names = Names }, Start);

        Assert.False(RenewalSchedule.IsDue(Key, began, Names, isWanted: false, Start.AddSeconds(100)));
        Assert.True(RenewalSchedule.IsDue(Key, began, Names, isWanted: false, Start.AddMinutes(2)));
        Assert.Single(began.Attempts);
        Assert.Empty(RenewalSchedule.Succeeded(began, Start, Start.AddMinutes(1)).Attempts);
    }

    [Fact]
    public void Operators_hear_of_an_hour_of_failures_and_of_an_end_that_comes_near()
    {
        var failing = new CertificateRecord { FailingSince = Start };
        Assert.False(RenewalSchedule.IsFailing(failing, Start.AddMinutes(59)));
        Assert.True(RenewalSchedule.IsFailing(failing, Start.AddHours(1)));
        Assert.False(RenewalSchedule.IsFailing(Issued(90), Start.AddDays(80)));

        var own = new CertificateKey("", "mx.test");
        Assert.False(RenewalSchedule.IsEnding(own, Issued(90), Start.AddDays(74)));
        Assert.True(RenewalSchedule.IsEnding(own, Issued(90), Start.AddDays(76)));
        Assert.True(RenewalSchedule.IsEnding(Key, Issued(90), Start.AddDays(76)));
        Assert.False(RenewalSchedule.IsEnding(Key, RenewalSchedule.Left(Issued(90), Start), Start.AddDays(76)));
        Assert.True(RenewalSchedule.IsEnding(Key, RenewalSchedule.Began(RenewalSchedule.Left(Issued(90), Start), Start), Start.AddDays(76)));
    }

    [Fact]
    public void A_record_keeps_all_through_the_store_and_shows_no_key()
    {
        var record = Issued(90) with { Chain = "chain", Key = "topsecret", Pending = new PendingOrder("https://a.test/1", "topsecret"), LastError = "why" };

        var read = CertificateRecord.Read("k", record.Write());

        Assert.Equal((record.Chain, record.Key, record.Pending, record.NotAfter, record.LastError), (read.Chain, read.Key, read.Pending, read.NotAfter, read.LastError));
        Assert.Equal(record.Issued, read.Issued);
        Assert.DoesNotContain("topsecret", $"{record} {record.Pending} {new IssuedCertificate("chain", "topsecret")}", StringComparison.Ordinal);
        Assert.Throws<Storage.StoreException>(() => CertificateRecord.Read("k", (record with { Format = 2 }).Write()));
        Assert.Throws<Storage.StoreException>(() => CertificateRecord.Read("k", "{"));
    }

    private static CertificateRecord Issued(int days) => new()
    {
        Names = Names,
        Chain = "PEM",
        Key = "PEM",
        NotBefore = Start,
        NotAfter = Start.AddDays(days),
        Issued = [Start],
    };
}
