using MailGrains.Deployment;

namespace MailGrains.Infra.Tests.Hooks;

public sealed class PointerCheckTests
{
    private const string Name = "out.example.org";
    private const string Address = "192.0.2.26";

    [Fact]
    public void Azures_own_name_needs_no_look()
    {
        Assert.Null(PointerCheck.Judge(null, Address, null));
    }

    [Fact]
    public void A_name_that_leads_to_the_address_is_well()
    {
        Assert.Equal(Weight.Good, PointerCheck.Judge(Name, Address, ["192.0.2.1", Address])?.Weight);
    }

    [Fact]
    public void One_that_leads_elsewhere_stops_the_deployment()
    {
        var finding = PointerCheck.Judge(Name, Address, ["192.0.2.1"]);

        Assert.Equal(Weight.Failure, finding?.Weight);
        Assert.Contains("leads to 192.0.2.1, and mail leaves from 192.0.2.26", finding?.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_can_not_be_looked_at_is_a_warning()
    {
        Assert.Equal(Weight.Warning, PointerCheck.Judge(Name, Address, null)?.Weight);
        Assert.Equal(Weight.Warning, PointerCheck.Judge(Name, Address, [])?.Weight);
        Assert.Equal(Weight.Warning, PointerCheck.Judge(Name, null, null)?.Weight);
    }
}
