namespace MailGrains.Contracts.Delivery;

/// <summary>
/// The mail delivery agent: the last hop to a local mailbox. A stateless worker on the silo of its caller; key 0. It writes Return-Path and
/// Delivered-To (RFC 5321 §4.4), decides the folder and hands over to the mailbox.
/// </summary>
[Alias("mailgrains.IMdaGrain")]
public interface IMdaGrain : IGrainWithIntegerKey
{
    /// <summary>Delivers to one mailbox; never throws for what a <see cref="DeliveryStatus"/> can say.</summary>
    [Alias("Deliver")]
    ValueTask<DeliveryResult> DeliverAsync(DeliveryRequest request, CancellationToken cancellationToken);
}
